import { Button } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useParams } from "react-router";
import { parseExact } from "../../api/exactJson";
import type { Table } from "../../api/types";
import { tablesQuery } from "../tables/queries";
import { createView, type Loaded, readView, replaceView, type ViewDefinition } from "./api";
import { ChangedDialog } from "./ChangedDialog";
import { DeleteDefinition } from "./DeleteDefinition";
import { EditorFrame } from "./EditorFrame";
import { nameIn, textOf } from "./json";
import { NotAllowed, Waiting } from "./notices";
import { isChangedMeanwhile } from "./problems";
import { ProblemList } from "./ProblemList";
import { useIsManager } from "../session/useIsManager";
import { named } from "./renames";
import { useMayManage } from "./rights";
import { type Rival, rivalOf } from "./rival";
import { type Content, useEditor } from "./useEditor";
import { usePageGuard } from "./usePageGuard";
import { draftOfView, newView, viewBodyOf, type ViewDraft } from "./viewDraft";
import { ViewForm } from "./ViewForm";
import { ViewPreview } from "./ViewPreview";

/** A new view. */
export function NewViewPage() {
  const { workspace = "main" } = useParams();
  const isManager = useIsManager(workspace);
  useDocumentTitle("New view – Rowkeep");
  const tables = useQuery(tablesQuery(workspace, "all"));
  if (!isManager) return <NotAllowed what="create views" />;
  if (tables.data === undefined) return <Waiting error={tables.error} />;
  return <ViewEditor workspace={workspace} tables={tables.data} />;
}

/** The definition of a view. */
export function ChangeViewPage() {
  const { workspace = "main", name = "" } = useParams();
  useDocumentTitle(`Definition of ${name} – Rowkeep`);
  const mayManage = useMayManage(workspace, "views", name);
  const tables = useQuery(tablesQuery(workspace, "all"));
  const loaded = useQuery({
    queryKey: ["definition", workspace, "views", name],
    queryFn: () => readView(workspace, name),
    staleTime: Infinity,
    gcTime: 0,
  });
  if (mayManage === false && loaded.isSuccess) return <NotAllowed what={`change ${name}`} />;
  if (loaded.data === undefined || tables.data === undefined || mayManage === undefined)
    return <Waiting error={loaded.error ?? tables.error} />;
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
  const [rival, setRival] = useState<Rival<ViewDefinition>>();
  const [isDeleting, setDeleting] = useState(false);
  const isManager = useIsManager(workspace);
  const guard = usePageGuard(editor.isChanged);
  const was = base?.definition.name;

  async function store(content: Content): Promise<void> {
    try {
      if (base === undefined) {
        await createView(workspace, content.text);
        guard.leave(`/w/${workspace}/views/${nameIn(content.value) ?? ""}`);
        return;
      }
      const sent = named(content, base.definition.name);
      await replaceView(workspace, sent.name, sent.text, base.tag);
      guard.leave(`/w/${workspace}/views/${sent.name}`);
    } catch (error) {
      if (isChangedMeanwhile(error) && base !== undefined)
        setRival(rivalOf(base.definition, content, await readView(workspace, base.definition.name)));
      else editor.fail(error);
    }
  }
  const saving = useMutation({ mutationFn: store, onError: editor.fail });

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
        <>
          <Button
            loading={saving.isPending}
            onClick={() => {
              const content = editor.content();
              if (content !== undefined) saving.mutate(content);
            }}
          >
            {was === undefined ? "Create view" : "Save view"}
          </Button>
          {was !== undefined && (
            <Button variant="light" color="red" onClick={() => setDeleting(true)}>
              Delete view
            </Button>
          )}
        </>
      }
    >
      {isManager && (
        <ViewPreview
          workspace={workspace}
          text={editor.mode === "form" ? previewText(editor.draft, tables) : jsonPreview(editor.text)}
          onGoTo={goTo}
        />
      )}
      {rival !== undefined && (
        <ChangedDialog
          name={was ?? ""}
          rival={rival}
          onBoth={() => {
            setBase(rival.theirs);
            editor.start(draftOfView(rival.definition, rival.theirs.definition), true);
            setRival(undefined);
          }}
          onDiscard={() => {
            setBase(rival.theirs);
            editor.start(draftOfView(rival.theirs.definition, rival.theirs.definition), false);
            setRival(undefined);
          }}
          onClose={() => setRival(undefined)}
        />
      )}
      {isDeleting && base !== undefined && (
        <DeleteDefinition
          workspace={workspace}
          kind="views"
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
