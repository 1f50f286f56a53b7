import { Alert, Anchor, Button, Stack, Table, Text } from "@mantine/core";
import { useEffect, useRef } from "react";
import { Link } from "react-router";
import { exactText } from "../grid/cellText";
import type { Problem, Sample } from "./problems";

interface ProblemListProps {
  problems: readonly Problem[];
  /** Goes to the place of a problem; undefined where there is none to go to. */
  onGoTo?: ((pointer: string) => void) | undefined;
  /** The address of a row of the table. */
  rowAddress?: ((id: string) => string) | undefined;
}

/** What the server refuses, each with its place and with rows that do not fit. */
export function ProblemList({ problems, onGoTo, rowAddress }: ProblemListProps) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (problems.length > 0) ref.current?.scrollIntoView({ block: "nearest" });
  }, [problems]);
  if (problems.length === 0) return null;
  return (
    <Alert ref={ref} color="red" role="alert" title={problems.length === 1 ? undefined : countText(problems)}>
      <Stack gap="xs">
        {problems.map((problem, at) => (
          <div key={at}>
            <Text size="sm" style={{ overflowWrap: "anywhere" }}>
              {problem.text}{" "}
              {onGoTo !== undefined && problem.pointer !== "" && (
                <Button size="compact-xs" variant="default" onClick={() => onGoTo(problem.pointer)}>
                  Go there<span className="visually-hidden">: {problem.pointer}</span>
                </Button>
              )}
            </Text>
            {problem.rows.length > 0 && <SampleTable problem={problem} rowAddress={rowAddress} />}
          </div>
        ))}
      </Stack>
    </Alert>
  );
}

function countText(problems: readonly Problem[]): string {
  return `${problems.length.toLocaleString()} problems`;
}

interface SampleTableProps {
  problem: Problem;
  rowAddress: ((id: string) => string) | undefined;
}

function SampleTable({ problem: { rows, count }, rowAddress }: SampleTableProps) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row.values)))];
  return (
    <>
      <Text size="xs" mt={4}>
        {count > rows.length
          ? `${rows.length} of ${count.toLocaleString()} rows that do not fit:`
          : "The rows that do not fit:"}
      </Text>
      <Table.ScrollContainer minWidth={200} scrollAreaProps={SCROLL}>
        <Table aria-label="Rows that do not fit" verticalSpacing={2} fz="xs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Row</Table.Th>
              {names.map((name) => (
                <Table.Th key={name}>{name}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row) => (
              <Table.Tr key={row._id}>
                <Table.Td>
                  {rowAddress === undefined ? row._id : <RowLink row={row} to={rowAddress} />}
                </Table.Td>
                {names.map((name) => (
                  <Table.Td key={name} style={{ overflowWrap: "anywhere" }}>
                    {(row.values as Record<string, unknown>)[name] === null
                      ? "null"
                      : exactText((row.values as Record<string, unknown>)[name])}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </>
  );
}

const SCROLL = {
  viewportProps: { tabIndex: 0, role: "group", "aria-label": "Rows that do not fit" },
} as const;

function RowLink({ row, to }: { row: Sample; to: (id: string) => string }) {
  return (
    <Anchor component={Link} to={to(row._id)} target="_blank" size="xs" c="inherit" td="underline">
      {row._id}
    </Anchor>
  );
}
