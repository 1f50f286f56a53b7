import { Button } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useParams } from "react-router";
import { tablesQuery } from "../tables/queries";
import { changeTable, createTable, type Loaded, readTable, type Step } from "./api";
import { ChangedDialog } from "./ChangedDialog";
import { DeleteDefinition } from "./DeleteDefinition";
import { EditorFrame } from "./EditorFrame";
import { nameIn } from "./json";
import { type Rival, rivalOf } from "./rival";
import { PlanDialog } from "./PlanDialog";
import { isChangedMeanwhile } from "./problems";
import { ProblemList } from "./ProblemList";
import { useIsManager } from "../session/useIsManager";
import { type Named, named } from "./renames";
import { useMayManage } from "./rights";
import { NotAllowed, Waiting } from "./notices";
import { bodyOf, draftOfJson, draftOfTable, newTable, type TableDefinition } from "./tableDraft";
import { TableForm } from "./TableForm";
import { useEditor } from "./useEditor";
import { usePageGuard } from "./usePageGuard";

/** A new table. */
export function NewTablePage() {
  const { workspace = "main" } = useParams();
  const isManager = useIsManager(workspace);
  useDocumentTitle("New table – Rowkeep");
  return isManager ? <TableEditor workspace={workspace} /> : <NotAllowed what="create tables" />;
}

/** The definition of a table. */
export function ChangeTablePage() {
  const { workspace = "main", name = "" } = useParams();
  useDocumentTitle(`Definition of ${name} – Rowkeep`);
  const mayManage = useMayManage(workspace, "tables", name);
  const loaded = useQuery({
    queryKey: ["definition", workspace, "tables", name],
    queryFn: () => readTable(workspace, name),
    staleTime: Infinity,
    gcTime: 0,
  });
  if (mayManage === false && loaded.isSuccess) return <NotAllowed what={`change ${name}`} />;
  if (loaded.data === undefined || mayManage === undefined) return <Waiting error={loaded.error} />;
  return <TableEditor key={`${workspace}/${name}`} workspace={workspace} loaded={loaded.data} />;
}

interface TableEditorProps {
  workspace: string;
  loaded?: Loaded<TableDefinition>;
}

interface Planned extends Named {
  steps: Step[];
}

function TableEditor({ workspace, loaded }: TableEditorProps) {
  const [base, setBase] = useState(loaded);
  const [first] = useState(() => (loaded === undefined ? newTable() : draftOfTable(loaded.definition)));
  const editor = useEditor(first, { bodyOf, draftOf: (value) => draftOfJson(value, base?.definition) });
  const [open, setOpen] = useState<number | null>(null);
  const [planned, setPlanned] = useState<Planned>();
  const [rival, setRival] = useState<Rival<TableDefinition>>();
  const [isDeleting, setDeleting] = useState(false);
  const [note, setNote] = useState("");
  const tables = useQuery(tablesQuery(workspace, "all"));
  const guard = usePageGuard(editor.isChanged);
  const was = base?.definition.name;

  async function refused(error: unknown): Promise<void> {
    setPlanned(undefined);
    const content = editor.content();
    if (!isChangedMeanwhile(error) || base === undefined || content === undefined) editor.fail(error);
    else setRival(rivalOf(base.definition, content, await readTable(workspace, base.definition.name)));
  }

  const work = useMutation({
    mutationFn: async (task: () => Promise<void>) => {
      setNote("");
      try {
        await task();
      } catch (error) {
        await refused(error);
      }
    },
    onError: editor.fail,
  });

  function submit(): void {
    const content = editor.content();
    if (content === undefined) return;
    work.mutate(async () => {
      if (base === undefined) {
        await createTable(workspace, content.text);
        guard.leave(`/w/${workspace}/tables/${nameIn(content.value) ?? ""}`);
        return;
      }
      const sent = named(content, base.definition.name);
      const steps = await changeTable(workspace, sent.name, sent.text, { tag: base.tag, dryRun: true });
      if (steps.length === 0) setNote("Nothing would change.");
      else setPlanned({ ...sent, steps });
    });
  }

  function apply({ name, text }: Planned, allowDataLoss: boolean): void {
    work.mutate(async () => {
      await changeTable(workspace, name, text, { tag: base?.tag ?? "*", dryRun: false, allowDataLoss });
      guard.leave(`/w/${workspace}/tables/${name}`);
    });
  }

  function goTo(pointer: string): void {
    editor.goTo(pointer);
    const [, list, at] = pointer.split("/");
    const items =
      list === "schemaDef" ? editor.draft.columns : list === "indexes" ? editor.draft.indexes : [];
    setOpen(items[Number(at)]?.id ?? open);
  }

  const rowAddress = (id: string) => `/w/${workspace}/tables/${was ?? ""}/rows/${id}`;
  return (
    <EditorFrame
      workspace={workspace}
      kind="tables"
      was={was}
      editor={editor}
      problems={
        <ProblemList
          problems={editor.problems}
          onGoTo={goTo}
          rowAddress={was === undefined ? undefined : rowAddress}
        />
      }
      form={
        <TableForm
          draft={editor.draft}
          tables={tables.data ?? []}
          problems={editor.problems}
          open={open}
          onOpen={setOpen}
          onChange={editor.setDraft}
        />
      }
      buttons={
        <Buttons
          isNew={base === undefined}
          isBusy={work.isPending && planned === undefined}
          note={note}
          onSubmit={submit}
          onDelete={() => setDeleting(true)}
        />
      }
    >
      {planned !== undefined && was !== undefined && (
        <PlanDialog
          title={`Change ${was}`}
          steps={planned.steps}
          name={was}
          noun="the table"
          isBusy={work.isPending}
          onApply={(allowDataLoss) => apply(planned, allowDataLoss)}
          onClose={() => setPlanned(undefined)}
        />
      )}
      {rival !== undefined && (
        <ChangedDialog
          name={was ?? ""}
          rival={rival}
          onBoth={() => {
            setBase(rival.theirs);
            editor.start(draftOfJson(rival.definition, rival.theirs.definition), true);
            setRival(undefined);
          }}
          onDiscard={() => {
            setBase(rival.theirs);
            editor.start(draftOfTable(rival.theirs.definition), false);
            setRival(undefined);
          }}
          onClose={() => setRival(undefined)}
        />
      )}
      {isDeleting && base !== undefined && (
        <DeleteDefinition
          workspace={workspace}
          kind="tables"
          name={base.definition.name}
          tag={base.tag}
          onDeleted={() => guard.leave(`/w/${workspace}/tables`)}
          onClose={() => setDeleting(false)}
        />
      )}
      {guard.dialog}
    </EditorFrame>
  );
}

interface ButtonsProps {
  isNew: boolean;
  isBusy: boolean;
  note: string;
  onSubmit: () => void;
  onDelete: () => void;
}

function Buttons({ isNew, isBusy, note, onSubmit, onDelete }: ButtonsProps): ReactNode {
  return (
    <>
      <Button onClick={onSubmit} loading={isBusy}>
        {isNew ? "Create table" : "Show the steps"}
      </Button>
      {!isNew && (
        <Button variant="light" color="red" onClick={onDelete}>
          Delete table
        </Button>
      )}
      <span role="status">{note}</span>
    </>
  );
}
