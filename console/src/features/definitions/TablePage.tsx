import { Button } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useNavigate, useParams } from "react-router";
import { tablesQuery } from "../tables/queries";
import { changeTable, createTable, definitionsChanged, type Loaded, readTable, type Step } from "./api";
import { ChangedDialog } from "./ChangedDialog";
import { DeleteDefinition } from "./DeleteDefinition";
import { EditorFrame } from "./EditorFrame";
import { nameIn, textOf } from "./json";
import { type Rival, rivalOf } from "./rival";
import { PlanDialog } from "./PlanDialog";
import { isChangedMeanwhile } from "./problems";
import { ProblemList } from "./ProblemList";
import { useIsManager } from "../session/useIsManager";
import { useMayManage } from "./rights";
import { NotAllowed, Waiting } from "./notices";
import { bodyOf, draftOfJson, draftOfTable, newTable, type TableDefinition } from "./tableDraft";
import { TableForm } from "./TableForm";
import { type Content, useEditor } from "./useEditor";
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

interface Planned extends Content {
  name: string;
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
  const navigate = useNavigate();
  const queries = useQueryClient();
  const guard = usePageGuard(editor.isChanged);
  const was = base?.definition.name;

  function done(to: string): void {
    guard.leave(() => {
      void definitionsChanged(queries);
      void navigate(to);
    });
  }

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
        done(`/w/${workspace}/tables/${nameIn(content.value) ?? ""}`);
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
      done(`/w/${workspace}/tables/${name}`);
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
      title={was === undefined ? "New table" : `Definition of ${was}`}
      back={
        was === undefined
          ? { to: `/w/${workspace}/tables`, label: "All tables" }
          : { to: `/w/${workspace}/tables/${was}`, label: `Rows of ${was}` }
      }
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
          theirs={rival.differences}
          conflicts={rival.conflicts}
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
          onDeleted={() => done(`/w/${workspace}/tables`)}
          onClose={() => setDeleting(false)}
        />
      )}
      {guard.dialog}
    </EditorFrame>
  );
}

/** What is sent for a change: the path has the new name, and the definition the former one. A name that cannot be in a
 * path is refused by the server, at the former one. */
function named({ text, value }: Content, was: string): Content & { name: string } {
  const name = nameIn(value) ?? was;
  if (name.toLowerCase() === was.toLowerCase() || "renamedFrom" in value) return { text, value, name };
  const renamed = { ...value, renamedFrom: was };
  return { text: textOf(renamed), value: renamed, name };
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
