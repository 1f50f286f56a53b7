import { useDocumentTitle } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useParams } from "react-router";
import { parseExact } from "../../api/exactJson";
import type { Table } from "../../api/types";
import { tablesQuery } from "../tables/queries";
import { changeView, createView, type Loaded, readView, type ViewDefinition } from "./api";
import { ChangeButtons, ChangeDialogs } from "./ChangeDialogs";
import { EditorFrame } from "./EditorFrame";
import { textOf } from "./json";
import { NotAllowed, Waiting } from "./notices";
import { ProblemList } from "./ProblemList";
import { useIsManager } from "../session/useIsManager";
import { useMayManage } from "./rights";
import { useChange } from "./useChange";
import { useEditor } from "./useEditor";
import { usePageGuard } from "./usePageGuard";
import { useStillAllowed } from "../session/useStillAllowed";
import { draftOfView, newView, viewBodyOf, type ViewDraft } from "./viewDraft";
import { ViewForm } from "./ViewForm";
import { ViewPreview } from "./ViewPreview";

/** A new view. */
export function NewViewPage() {
  const { workspace = "main" } = useParams();
  const mayCreate = useStillAllowed(useIsManager(workspace), workspace);
  useDocumentTitle("New view – Rowkeep");
  const tables = useQuery(tablesQuery(workspace, "all"));
  if (!mayCreate) return <NotAllowed what="create views" />;
  if (tables.data === undefined) return <Waiting workspace={workspace} error={tables.error} />;
  return <ViewEditor workspace={workspace} tables={tables.data} />;
}

/** The definition of a view. */
export function ChangeViewPage() {
  const { workspace = "main", name = "" } = useParams();
  useDocumentTitle(`Definition of ${name} – Rowkeep`);
  const mayManage = useMayManage(workspace, "views", name);
  const mayChange = useStillAllowed(mayManage === true, `${workspace}/${name}`);
  const tables = useQuery(tablesQuery(workspace, "all"));
  const loaded = useQuery({
    queryKey: ["definition", workspace, "views", name],
    queryFn: () => readView(workspace, name),
    staleTime: Infinity,
    gcTime: 0,
  });
  if (mayManage === false && !mayChange && loaded.isSuccess) return <NotAllowed what={`change ${name}`} />;
  if (loaded.data === undefined || tables.data === undefined || mayManage === undefined)
    return <Waiting workspace={workspace} error={loaded.error ?? tables.error} />;
  return (
    <ViewEditor
      key={`${workspace}/${name}`}
      workspace={workspace}
      tables={tables.data}
      loaded={loaded.data}
    />
  );
}

interface ViewEditorProps {
  workspace: string;
  tables: readonly Table[];
  loaded?: Loaded<ViewDefinition>;
}

const CALLS = { create: createView, change: changeView, read: readView };

function ViewEditor({ workspace, tables, loaded }: ViewEditorProps) {
  const [base, setBase] = useState(loaded);
  const [first] = useState(() =>
    loaded === undefined ? newView(tables[0]?.name ?? "") : draftOfView(loaded.definition, loaded.definition),
  );
  const editor = useEditor<ViewDraft>(first, {
    bodyOf: (draft) => viewBodyOf(draft, tables),
    draftOf: (value) => draftOfView(value, base?.definition),
  });
  const [open, setOpen] = useState<number | null>(null);
  const isManager = useIsManager(workspace);
  const guard = usePageGuard(editor.isChanged);
  const change = useChange({ workspace, kind: "views", base, editor, calls: CALLS, leave: guard.leave });
  const was = base?.definition.name;

  function goTo(pointer: string): void {
    editor.goTo(pointer);
    const [, list, at] = pointer.split("/");
    const { columns, sources } = editor.draft;
    if (list === "columns") setOpen(columns[Number(at)]?.id ?? open);
    if (list === "joins") setOpen(sources[Number(at) + 1]?.id ?? open);
    if (list === "table" || list === "as") setOpen(sources[0]?.id ?? open);
  }

  return (
    <EditorFrame
      workspace={workspace}
      kind="views"
      was={was}
      editor={editor}
      problems={<ProblemList problems={editor.problems} onGoTo={goTo} />}
      form={
        <ViewForm
          draft={editor.draft}
          tables={tables}
          problems={editor.problems}
          open={open}
          onOpen={setOpen}
          onChange={editor.setDraft}
        />
      }
      buttons={
        <ChangeButtons
          workspace={workspace}
          kind="views"
          base={base}
          change={change}
          onDeleted={() => guard.leave(`/w/${workspace}/tables`)}
        />
      }
    >
      {isManager && (
        <ViewPreview
          workspace={workspace}
          text={editor.mode === "form" ? previewText(editor.draft, tables) : jsonPreview(editor.text)}
          onGoTo={goTo}
        />
      )}
      {base !== undefined && (
        <ChangeDialogs
          base={base}
          kind="views"
          change={change}
          onStart={(definition, theirs, isOwn) => {
            setBase(theirs);
            editor.start(draftOfView(definition, theirs.definition), isOwn);
          }}
        />
      )}
      {guard.dialog}
    </EditorFrame>
  );
}

/** A name is not needed for a preview. */
const UNNAMED = { name: "preview" };

function previewText(draft: ViewDraft, tables: readonly Table[]): string | undefined {
  if (draft.columns.length === 0 || draft.sources.length === 0) return undefined;
  return textOf({ ...viewBodyOf(draft, tables), ...UNNAMED });
}

function jsonPreview(text: string): string | undefined {
  try {
    return textOf({ ...(parseExact(text) as object), ...UNNAMED });
  } catch {
    return undefined;
  }
}
