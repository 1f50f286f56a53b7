import { Table, Text } from "@mantine/core";
import { type Change, columnsOf, differenceOf, shownText } from "./differences";

const KINDS: Record<Change["kind"], string> = { insert: "added", update: "changed", delete: "deleted" };

export const kindText = ({ kind }: Pick<Change, "kind">) => KINDS[kind];

const WRAPS = { overflowWrap: "anywhere", whiteSpace: "pre-wrap" } as const;

/** The columns of a change, before and after, with the part that differs marked. */
export function ChangeView({ change, label }: { change: Change; label: string }) {
  const columns = columnsOf(change);
  if (columns.length === 0) return <Text size="sm">No value changed.</Text>;
  return (
    <Table verticalSpacing={2} layout="fixed" aria-label={label} fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Column</Table.Th>
          {change.kind !== "insert" && <Table.Th>Before</Table.Th>}
          {change.kind !== "delete" && <Table.Th>After</Table.Th>}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {columns.map(({ name, before, after }) => {
          const { start, was, now, end } = partsOf(before, after);
          return (
            <Table.Tr key={name}>
              <Table.Th scope="row" fw={600} style={WRAPS}>
                {name}
              </Table.Th>
              {change.kind !== "insert" && (
                <Table.Td style={WRAPS}>
                  {change.kind === "delete" ? shownText(before) : marked("del", start, was, end)}
                </Table.Td>
              )}
              {change.kind !== "delete" && (
                <Table.Td style={WRAPS}>
                  {change.kind === "insert" ? shownText(after) : marked("ins", start, now, end)}
                </Table.Td>
              )}
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}

/** Null and the empty text are marked as a whole: they are no texts that others could begin with. */
function partsOf(before: unknown, after: unknown) {
  const isWhole = [before, after].some((each) => each === null || each === undefined || each === "");
  const [was, now] = [shownText(before), shownText(after)];
  return isWhole ? { start: "", was, now, end: "" } : differenceOf(was, now);
}

function marked(Tag: "del" | "ins", start: string, part: string, end: string) {
  return (
    <>
      {start}
      {part !== "" && (
        <Tag
          style={{
            background: Tag === "del" ? "var(--mantine-color-red-light)" : "var(--mantine-color-green-light)",
            color: "inherit",
          }}
        >
          {part}
        </Tag>
      )}
      {end}
    </>
  );
}
