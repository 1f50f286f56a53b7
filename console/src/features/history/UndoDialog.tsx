import { Alert, Anchor, Button, Group, Loader, Modal, Radio, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";
import { Link } from "react-router";
import { useFocusBack } from "../../app/useFocusBack";
import { ErrorNote } from "../people/ErrorNote";
import { type Conflicts, previewQuery, undo, type Undone } from "./queries";
import { countsText, isConfirmed, MANY_ROWS, rowsOf, type Undoing } from "./selection";

interface UndoDialogProps {
  workspace: string;
  undoing: Undoing;
  /** What is undone, in words. */
  title: string;
  onClose: () => void;
}

/** Shows what an undo would do, asks, does it, and offers to undo it again. */
export function UndoDialog({ workspace, undoing, title, onClose }: UndoDialogProps) {
  useFocusBack();
  const [now, setNow] = useState({ undoing, title });
  const queries = useQueryClient();
  const done = useMutation({
    mutationFn: (conflicts: Conflicts) => undo(workspace, now.undoing, conflicts),
    onSuccess: async () => {
      await queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "undo preview" });
    },
  });
  const own = done.data?.operation;
  return (
    <Modal opened onClose={onClose} title={now.title} size="lg" closeButtonProps={{ "aria-label": "Close" }}>
      {done.data === undefined ? (
        <Preview
          key={JSON.stringify(now.undoing)}
          workspace={workspace}
          undoing={now.undoing}
          error={done.error}
          isBusy={done.isPending}
          onUndo={done.mutate}
          onClose={onClose}
        />
      ) : (
        <Stack>
          <Text role="status">Undone: {countsText(done.data.undone)}.</Text>
          <ConflictList workspace={workspace} undone={done.data.undone} />
          <Group>
            <Button data-autofocus onClick={onClose}>
              Done
            </Button>
            {own != null && rowsOf(done.data.undone) > 0 && (
              <Button
                variant="default"
                onClick={() => {
                  done.reset();
                  setNow({ undoing: { operation: own }, title: "Undo the undo" });
                }}
              >
                Undo this undo
              </Button>
            )}
          </Group>
        </Stack>
      )}
    </Modal>
  );
}

interface PreviewProps {
  workspace: string;
  undoing: Undoing;
  error: Error | null;
  isBusy: boolean;
  onUndo: (conflicts: Conflicts) => void;
  onClose: () => void;
}

const CHOICES: readonly { value: Conflicts; label: string }[] = [
  { value: "fail", label: "Fail: undo nothing" },
  { value: "skip", label: "Skip: leave these rows as they are" },
  { value: "force", label: "Force: write the old values over later changes" },
];

function Preview({ workspace, undoing, error, isBusy, onUndo, onClose }: PreviewProps) {
  const [conflicts, setConflicts] = useState<Conflicts>("fail");
  const [typed, setTyped] = useState("");
  const preview = useQuery(previewQuery(workspace, undoing, conflicts === "force" ? "force" : "skip"));
  const would = preview.data;
  const hasConflicts = (would?.conflicts.length ?? 0) > 0;
  const refused = hasConflicts && conflicts === "fail";
  const mayUndo = would !== undefined && !refused && isConfirmed(would, typed);
  function confirm(event: SyntheticEvent): void {
    event.preventDefault();
    if (mayUndo && !isBusy) onUndo(conflicts);
  }
  return (
    <form onSubmit={confirm}>
      <Stack>
        <ErrorNote error={error ?? preview.error} />
        {preview.isPending && <Loader aria-label="Finding out what the undo would do" />}
        {would !== undefined && (
          <Text role="status">
            {rowsOf(would) === 0 && !hasConflicts
              ? "There is nothing to undo: it was undone already, or nothing matches."
              : `Would undo: ${countsText(would)}.`}
          </Text>
        )}
        {would !== undefined && <ConflictList workspace={workspace} undone={would} />}
        {(hasConflicts || conflicts !== "fail") && (
          <Radio.Group
            label="Rows that were changed since"
            value={conflicts}
            onChange={(value) => setConflicts(CHOICES.find((each) => each.value === value)?.value ?? "fail")}
          >
            <Stack gap="xs" mt={4}>
              {CHOICES.map((each) => (
                <Radio key={each.value} {...each} />
              ))}
            </Stack>
          </Radio.Group>
        )}
        {would !== undefined && !refused && rowsOf(would) >= MANY_ROWS && (
          <TextInput
            label={`To confirm, type the number of rows: ${rowsOf(would)}`}
            inputMode="numeric"
            autoComplete="off"
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        )}
        <Group>
          <Button type="submit" color="red.9" loading={isBusy} disabled={!mayUndo}>
            Undo
          </Button>
          <Button variant="default" data-autofocus onClick={onClose}>
            Cancel
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

const LISTED = 20;

function ConflictList({ workspace, undone }: { workspace: string; undone: Undone }) {
  const { conflicts, nConflicts = conflicts.length } = undone;
  if (conflicts.length === 0) return null;
  return (
    <Alert color="gray" title={`Conflicts: ${nConflicts}`}>
      {conflicts.slice(0, LISTED).map((each) => (
        <Text size="sm" key={`${each.table} ${each._id} ${each.operation}`}>
          {each.table}:{" "}
          <Anchor
            size="sm"
            component={Link}
            underline="always"
            c="inherit"
            target="_blank"
            to={`/w/${workspace}/tables/${each.table}/rows/${each._id}`}
          >
            row {each._id}
          </Anchor>
        </Text>
      ))}
      {nConflicts > LISTED && <Text size="sm">and {nConflicts - LISTED} more</Text>}
    </Alert>
  );
}
