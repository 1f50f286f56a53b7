/** How a definition is created or changed: the steps of a change are shown before it is made, and what somebody else has
 * changed meanwhile is not overwritten. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import type { Kind } from "../tables/listed";
import type { ChangeOptions, Loaded, Step } from "./api";
import { nameIn } from "./json";
import { isChangedMeanwhile } from "./problems";
import { type Named, named } from "./renames";
import { type Rival, rivalOf } from "./rival";
import type { useEditor } from "./useEditor";

interface Planned extends Named {
  steps: Step[];
}

interface Calls<T> {
  create: (workspace: string, text: string) => Promise<unknown>;
  change: (workspace: string, name: string, text: string, options: ChangeOptions) => Promise<Step[]>;
  read: (workspace: string, name: string) => Promise<Loaded<T>>;
}

interface ChangeProps<T> {
  workspace: string;
  kind: Kind;
  /** What the change is based on; undefined for a new table or view. */
  base: Loaded<T> | undefined;
  editor: Pick<ReturnType<typeof useEditor>, "content" | "fail">;
  calls: Calls<T>;
  /** Goes to another page. */
  leave: (to: string) => void;
}

export function useChange<T extends { name: string }>(props: ChangeProps<T>) {
  const { workspace, kind, base, editor, calls, leave } = props;
  const [planned, setPlanned] = useState<Planned>();
  const [rival, setRival] = useState<Rival<T>>();
  const [note, setNote] = useState("");

  async function refused(error: unknown): Promise<void> {
    setPlanned(undefined);
    const content = editor.content();
    if (!isChangedMeanwhile(error) || base === undefined || content === undefined) editor.fail(error);
    else setRival(rivalOf(base.definition, content, await calls.read(workspace, base.definition.name)));
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

  return {
    planned,
    rival,
    note,
    isBusy: work.isPending,
    closePlan: () => setPlanned(undefined),
    closeRival: () => setRival(undefined),
    /** Creates what is new; of a change, shows the steps. */
    submit: () => {
      const content = editor.content();
      if (content === undefined) return;
      work.mutate(async () => {
        if (base === undefined) {
          await calls.create(workspace, content.text);
          leave(`/w/${workspace}/${kind}/${nameIn(content.value) ?? ""}`);
          return;
        }
        const sent = named(content, base.definition.name);
        const steps = await calls.change(workspace, sent.name, sent.text, { tag: base.tag, dryRun: true });
        if (steps.length === 0) setNote("Nothing would change.");
        else setPlanned({ ...sent, steps });
      });
    },
    apply: ({ name, text }: Planned, allowDataLoss: boolean) =>
      work.mutate(async () => {
        await calls.change(workspace, name, text, { tag: base?.tag ?? "*", dryRun: false, allowDataLoss });
        leave(`/w/${workspace}/${kind}/${name}`);
      }),
  };
}

export type Change<T extends { name: string }> = ReturnType<typeof useChange<T>>;
