import { Button, Checkbox, Container, FileButton, Group, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconDownload, IconFile } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type DragEvent, useState } from "react";
import { useParams } from "react-router";
import { changeSchema, definitionsChanged, readSchema, type Step } from "./api";
import { textOf } from "./json";
import { NotAllowed } from "./notices";
import { PlanDialog } from "./PlanDialog";
import { isChangedMeanwhile, type Problem, problemsOf } from "./problems";
import { ProblemList } from "./ProblemList";
import { useIsManager } from "../session/useIsManager";
import { useStillAllowed } from "../session/useStillAllowed";
import { countsOf, download, importText, type Part, PARTS, type Schema, schemaOf } from "./schemaFiles";

/** Import and export of all definitions of a workspace. */
export function WorkspacePage() {
  const { workspace = "main" } = useParams();
  useDocumentTitle("Definitions – Rowkeep");
  const mayDefine = useStillAllowed(useIsManager(workspace), workspace);
  if (!mayDefine) return <NotAllowed what="import and export definitions" />;
  return (
    <Container fluid p="md" w="100%" mx={0} maw={900}>
      <Title order={1} size="h2" mb="md">
        Definitions
      </Title>
      <Stack gap="xl">
        <Export workspace={workspace} />
        <Import key={workspace} workspace={workspace} />
      </Stack>
    </Container>
  );
}

function Export({ workspace }: { workspace: string }) {
  const work = useMutation({
    mutationFn: async () => {
      const { definition } = await readSchema(workspace);
      download(`${workspace}.schema.json`, textOf(definition));
    },
  });
  return (
    <Stack gap="xs" align="flex-start">
      <Title order={2} size="h4">
        Export
      </Title>
      <Text size="sm">
        All tables, views, rights of apps and shared charts in one file, without rows and secrets.
      </Text>
      {work.error !== null && <ProblemList problems={problemsOf(work.error)} />}
      <Button
        variant="default"
        leftSection={<IconDownload size={16} aria-hidden />}
        loading={work.isPending}
        onClick={() => work.mutate()}
      >
        Export definitions
      </Button>
    </Stack>
  );
}

interface Planned {
  text: string;
  tag: string;
  steps: Step[];
}

function Import({ workspace }: { workspace: string }) {
  const [files, setFiles] = useState<{ names: string; schema: Schema }>();
  const [parts, setParts] = useState<readonly Part[]>(PARTS);
  const [keeps, setKeeps] = useState(true);
  const [problems, setProblems] = useState<Problem[]>([]);
  const [planned, setPlanned] = useState<Planned>();
  const [note, setNote] = useState("");
  const queries = useQueryClient();

  function start(): void {
    setProblems([]);
    setNote("");
  }

  async function take(list: readonly File[]): Promise<void> {
    start();
    if (list.length === 0) return;
    try {
      const texts = await Promise.all(
        list.map(async (file) => ({ name: file.name, text: await file.text() })),
      );
      setFiles({ names: list.map(({ name }) => name).join(", "), schema: schemaOf(texts) });
      setParts(PARTS);
    } catch (error) {
      setFiles(undefined);
      setProblems(problemsOf(error));
    }
  }

  async function plan(schema: Schema): Promise<void> {
    const present = await readSchema(workspace);
    const text = importText(schema, present.definition, parts, keeps);
    const steps = await changeSchema(workspace, text, { tag: present.tag, dryRun: true });
    if (steps.length === 0) setNote("Nothing would change.");
    else setPlanned({ text, tag: present.tag, steps });
  }

  const work = useMutation({
    mutationFn: async (task: () => Promise<void>) => {
      start();
      await task();
    },
    onError: (error) => {
      setPlanned(undefined);
      setProblems(
        isChangedMeanwhile(error) ? [{ text: CHANGED, pointer: "", rows: [], count: 0 }] : problemsOf(error),
      );
    },
  });

  async function apply({ text, tag }: Planned, allowDataLoss: boolean): Promise<void> {
    await changeSchema(workspace, text, { tag, dryRun: false, allowDataLoss });
    setPlanned(undefined);
    setFiles(undefined);
    setNote("The definitions are imported.");
    await definitionsChanged(queries);
  }

  return (
    <Stack
      gap="xs"
      align="flex-start"
      onDragOver={(event: DragEvent) => event.preventDefault()}
      onDrop={(event: DragEvent) => {
        event.preventDefault();
        void take([...event.dataTransfer.files]);
      }}
    >
      <Title order={2} size="h4">
        Import
      </Title>
      <Text size="sm">
        A file that was exported here, or files that “rowkeep schema export” has written. The steps are shown
        before anything is changed.
      </Text>
      <FileButton multiple accept=".json,application/json" onChange={(list) => void take(list)}>
        {(props) => (
          <Button variant="default" leftSection={<IconFile size={16} aria-hidden />} {...props}>
            Choose files
          </Button>
        )}
      </FileButton>
      <ProblemList problems={problems} />
      {files !== undefined && (
        <>
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {files.names}: {countsOf(files.schema) || "no definitions"}
          </Text>
          <Group role="group" aria-label="Import">
            {PARTS.filter((part) => files.schema[part] !== undefined).map((part) => (
              <Checkbox
                key={part}
                label={part}
                checked={parts.includes(part)}
                onChange={(event) =>
                  setParts(
                    event.currentTarget.checked ? [...parts, part] : parts.filter((each) => each !== part),
                  )
                }
              />
            ))}
          </Group>
          <Checkbox
            label="Keep what the files do not have"
            checked={keeps}
            onChange={(event) => setKeeps(event.currentTarget.checked)}
          />
          <Button
            loading={work.isPending && planned === undefined}
            onClick={() => work.mutate(() => plan(files.schema))}
          >
            Show the steps
          </Button>
        </>
      )}
      <Text size="sm" role="status">
        {note}
      </Text>
      {planned !== undefined && (
        <PlanDialog
          title={`Import into ${workspace}`}
          steps={planned.steps}
          name={workspace}
          noun="the workspace"
          isBusy={work.isPending}
          onApply={(allowDataLoss) => work.mutate(() => apply(planned, allowDataLoss))}
          onClose={() => setPlanned(undefined)}
        />
      )}
    </Stack>
  );
}

const CHANGED =
  "Somebody else has changed definitions meanwhile. Nothing was imported. Show the steps again.";
