import { useDocumentTitle } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useParams } from "react-router";
import { tablesQuery } from "../tables/queries";
import { changeTable, createTable, type Loaded, readTable } from "./api";
import { ChangeButtons, ChangeDialogs } from "./ChangeDialogs";
import { EditorFrame } from "./EditorFrame";
import { ProblemList } from "./ProblemList";
import { useIsManager } from "../session/useIsManager";
import { useMayManage } from "./rights";
import { NotAllowed, Waiting } from "./notices";
import { bodyOf, draftOfJson, draftOfTable, newTable, type TableDefinition } from "./tableDraft";
import { TableForm } from "./TableForm";
import { useChange } from "./useChange";
import { useEditor } from "./useEditor";
import { usePageGuard } from "./usePageGuard";
import { useStillAllowed } from "../session/useStillAllowed";

/** A new table. */
export function NewTablePage() {
  const { workspace = "main" } = useParams();
  const mayCreate = useStillAllowed(useIsManager(workspace), workspace);
  useDocumentTitle("New table – Rowkeep");
  return mayCreate ? <TableEditor workspace={workspace} /> : <NotAllowed what="create tables" />;
}

/** The definition of a table. */
export function ChangeTablePage() {
  const { workspace = "main", name = "" } = useParams();
  useDocumentTitle(`Definition of ${name} – Rowkeep`);
  const mayManage = useMayManage(workspace, "tables", name);
  const mayChange = useStillAllowed(mayManage === true, `${workspace}/${name}`);
  const loaded = useQuery({
    queryKey: ["definition", workspace, "tables", name],
    queryFn: () => readTable(workspace, name),
    staleTime: Infinity,
    gcTime: 0,
  });
  if (mayManage === false && !mayChange && loaded.isSuccess) return <NotAllowed what={`change ${name}`} />;
  if (loaded.data === undefined || mayManage === undefined)
    return <Waiting workspace={workspace} error={loaded.error} />;
  return <TableEditor key={`${workspace}/${name}`} workspace={workspace} loaded={loaded.data} />;
}

interface TableEditorProps {
  workspace: string;
  loaded?: Loaded<TableDefinition>;
}

const CALLS = { create: createTable, change: changeTable, read: readTable };

function TableEditor({ workspace, loaded }: TableEditorProps) {
  const [base, setBase] = useState(loaded);
  const [first] = useState(() => (loaded === undefined ? newTable() : draftOfTable(loaded.definition)));
  const editor = useEditor(first, { bodyOf, draftOf: (value) => draftOfJson(value, base?.definition) });
  const [open, setOpen] = useState<number | null>(null);
  const tables = useQuery(tablesQuery(workspace, "all"));
  const guard = usePageGuard(editor.isChanged);
  const change = useChange({ workspace, kind: "tables", base, editor, calls: CALLS, leave: guard.leave });
  const was = base?.definition.name;

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
        <ChangeButtons
          workspace={workspace}
          kind="tables"
          base={base}
          change={change}
          onDeleted={() => guard.leave(`/w/${workspace}/tables`)}
        />
      }
    >
      {base !== undefined && (
        <ChangeDialogs
          base={base}
          kind="tables"
          change={change}
          onStart={(definition, theirs, isOwn) => {
            setBase(theirs);
            editor.start(draftOfJson(definition, theirs.definition), isOwn);
          }}
        />
      )}
      {guard.dialog}
    </EditorFrame>
  );
}
