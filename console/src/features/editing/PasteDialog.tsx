import {
  Alert,
  Button,
  Checkbox,
  Group,
  Modal,
  SegmentedControl,
  Stack,
  Text,
  Textarea,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { messageOf } from "../../api/errors";
import type { Column } from "../grid/columns";
import { type CellRange } from "../grid/range";
import type { RowStore } from "../grid/rowStore";
import { isHeader, pastedHeight, type PasteMode, type Plan, planOf, stepsOf } from "./paste";
import { PastePreview } from "./PastePreview";
import { MAX_ROWS, type Step } from "./steps";
import { fromTsv } from "./tsv";
import { useDraftGuard } from "./useDraftGuard";

interface PasteDialogProps {
  /** What was pasted; empty: the person pastes it into the dialog. */
  text: string;
  store: RowStore;
  /** The visible columns. */
  columns: readonly Column[];
  /** Where it is pasted; undefined if there is no row yet. */
  range: CellRange | undefined;
  onApply: (steps: Step[], onProgress: (done: number) => void) => Promise<void>;
  onClose: () => void;
}

const MAX_TEXT = 5_000_000;

/** Shows what pasting would change, and does it if the person agrees. */
export function PasteDialog({ text: pasted, onClose, ...rest }: PasteDialogProps) {
  const [text, setText] = useState(pasted);
  const isTooLong = text.length > MAX_TEXT;
  const lines = useMemo(() => (isTooLong ? [] : fromTsv(text)), [isTooLong, text]);
  const guard = useDraftGuard(text !== pasted, onClose);
  return (
    <Modal
      opened
      onClose={guard.close}
      closeOnEscape={!guard.isAsking}
      size="xl"
      title="Paste cells"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Stack gap="sm">
        {pasted === "" && (
          <Textarea
            label="Cells of a spreadsheet"
            description="Copy cells in a spreadsheet and paste them here: lines of fields with tabs between them."
            value={text}
            minRows={3}
            maxRows={6}
            autosize
            styles={{ input: { tabSize: 16 } }}
            data-autofocus
            onChange={(event) => setText(event.currentTarget.value)}
          />
        )}
        {isTooLong && (
          <Alert color="red" role="alert">
            The text has more than {MAX_TEXT.toLocaleString()} characters. Paste fewer cells at once.
          </Alert>
        )}
        {lines.length > 0 && <Planned key={text} lines={lines} takesFocus={pasted !== ""} {...rest} />}
      </Stack>
      {guard.dialog}
    </Modal>
  );
}

interface PlannedProps extends Omit<PasteDialogProps, "text" | "onClose"> {
  lines: readonly (string | null)[][];
  /** Whether the button gets the focus as soon as it is there. */
  takesFocus: boolean;
}

function Planned({ lines, takesFocus, store, columns, range, onApply }: PlannedProps) {
  const looksLikeHeader = isHeader(lines[0], columns) && lines.length > 1;
  const [hasHeader, setHeader] = useState(looksLikeHeader);
  const [chosen, setMode] = useState<PasteMode>("change");
  const mode = range === undefined ? "add" : chosen;
  const first = range?.firstRow ?? 0;
  const height = pastedHeight(lines, { columns, range, mode, hasHeader });
  const isTooMany = height > MAX_ROWS;
  const present = useQuery({
    queryKey: ["pasted over", first, height],
    queryFn: () => store.read(first, first + height - 1),
    enabled: mode === "change" && !isTooMany,
    gcTime: 0,
    staleTime: Infinity,
  });
  const plan = useMemo(() => {
    const rows = mode === "add" ? [] : present.data;
    return rows === undefined || isTooMany
      ? undefined
      : planOf(lines, { columns, range, mode, hasHeader, rows });
  }, [present.data, isTooMany, lines, columns, range, mode, hasHeader]);
  return (
    <>
      {range !== undefined && (
        <SegmentedControl
          aria-label="What to do"
          value={mode}
          onChange={(value) => setMode(value === "add" ? "add" : "change")}
          data={[
            { value: "change", label: `Change rows from ${(first + 1).toLocaleString()} on` },
            { value: "add", label: "Add new rows" },
          ]}
        />
      )}
      {looksLikeHeader && (
        <Checkbox
          label="The first line has the names of columns"
          checked={hasHeader}
          onChange={(event) => setHeader(event.currentTarget.checked)}
        />
      )}
      {isTooMany && (
        <Alert color="red" role="alert">
          These are {height.toLocaleString()} rows; at most {MAX_ROWS.toLocaleString()} can be pasted at once.
        </Alert>
      )}
      {present.error !== null && (
        <Alert color="red" role="alert">
          {messageOf(present.error)}
        </Alert>
      )}
      {plan !== undefined && (
        <>
          <PastePreview plan={plan} firstRow={first} />
          <ApplyButton plan={plan} takesFocus={takesFocus} onApply={onApply} />
        </>
      )}
    </>
  );
}

interface ApplyButtonProps extends Pick<PlannedProps, "takesFocus" | "onApply"> {
  plan: Plan;
}

function ApplyButton({ plan, takesFocus, onApply }: ApplyButtonProps) {
  const [done, setDone] = useState<number>();
  const [error, setError] = useState<string>();
  const steps = useMemo(() => stepsOf(plan), [plan]);
  return (
    <Group>
      <Button
        autoFocus={takesFocus}
        disabled={plan.problems > 0 || steps.length === 0}
        loading={done !== undefined}
        onClick={() => {
          setDone(0);
          setError(undefined);
          onApply(steps, setDone).catch((refused: unknown) => {
            setError(messageOf(refused));
            setDone(undefined);
          });
        }}
      >
        Paste
      </Button>
      {done !== undefined && (
        <Text size="sm" role="status">
          {done.toLocaleString()} of {steps.length.toLocaleString()} rows
        </Text>
      )}
      {error !== undefined && (
        <Text size="sm" c="red" role="alert">
          {error}
        </Text>
      )}
    </Group>
  );
}
