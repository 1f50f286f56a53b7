import { Alert, Badge, Button, Group, Modal, Stack, Table, Text, TextInput } from "@mantine/core";
import { type SyntheticEvent, useState } from "react";
import { useFocusBack } from "../../app/useFocusBack";
import type { Step } from "./api";

interface PlanDialogProps {
  title: string;
  steps: readonly Step[];
  /** What must be typed before steps that lose data are applied, and what that is: "the table". */
  name: string;
  noun: string;
  isBusy: boolean;
  onApply: (allowDataLoss: boolean) => void;
  onClose: () => void;
}

/** Shows the steps of a change before it is applied. Lost data needs the name to be typed. */
export function PlanDialog({ title, steps, name, noun, isBusy, onApply, onClose }: PlanDialogProps) {
  useFocusBack();
  const [typed, setTyped] = useState("");
  const losesData = steps.some((step) => step.losesData);
  const isConfirmed = !losesData || typed === name;
  function apply(event: SyntheticEvent): void {
    event.preventDefault();
    if (isConfirmed && !isBusy) onApply(losesData);
  }
  return (
    <Modal opened onClose={onClose} title={title} size="lg" closeButtonProps={{ "aria-label": "Close" }}>
      <form onSubmit={apply}>
        <Stack>
          <Table aria-label="Steps" verticalSpacing={4}>
            <Table.Tbody>
              {steps.map((step, at) => (
                <Table.Tr key={at}>
                  <Table.Td style={{ overflowWrap: "anywhere" }}>{step.step}</Table.Td>
                  <Table.Td>
                    <Group gap={4} justify="flex-end">
                      {step.rewritesTable && (
                        <Badge size="sm" variant="default" tt="none">
                          writes every row
                        </Badge>
                      )}
                      {step.losesData && (
                        <Badge size="sm" color="red" tt="none">
                          loses data
                        </Badge>
                      )}
                    </Group>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
          {losesData && (
            <>
              <Alert color="red" role="alert">
                Data is lost. This cannot be undone.
              </Alert>
              <TextInput
                label={`To confirm, type the name of ${noun}: ${name}`}
                value={typed}
                data-autofocus
                autoComplete="off"
                onChange={(event) => setTyped(event.currentTarget.value)}
              />
            </>
          )}
          {steps.some((step) => step.rewritesTable) && (
            <Text size="sm">A step that writes every row takes long in a large table.</Text>
          )}
          <Group>
            <Button
              type="submit"
              loading={isBusy}
              disabled={!isConfirmed}
              {...(losesData ? { color: "red" } : { "data-autofocus": true })}
            >
              Apply
            </Button>
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
