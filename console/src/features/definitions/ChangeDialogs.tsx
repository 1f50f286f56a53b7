import { Button } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { type Kind, NOUNS } from "../tables/listed";
import type { Loaded } from "./api";
import { ChangedDialog } from "./ChangedDialog";
import { DeleteDefinition } from "./DeleteDefinition";
import { PlanDialog } from "./PlanDialog";
import type { Change } from "./useChange";

interface ChangeDialogsProps<T extends { name: string }> {
  base: Loaded<T>;
  kind: Kind;
  change: Change<T>;
  /** Starts with another definition, based on what is stored now; it is one's own change, or theirs. */
  onStart: (definition: object, theirs: Loaded<T>, isOwn: boolean) => void;
}

/** What is asked before a definition is changed: its steps, and what to do with the change of somebody else. */
export function ChangeDialogs<T extends { name: string }>(props: ChangeDialogsProps<T>) {
  const { base, kind, change, onStart } = props;
  const { planned, rival } = change;
  const { name } = base.definition;
  return (
    <>
      {planned !== undefined && (
        <PlanDialog
          title={`Change ${name}`}
          steps={planned.steps}
          name={name}
          noun={`the ${NOUNS[kind]}`}
          isBusy={change.isBusy}
          onApply={(allowDataLoss) => change.apply(planned, allowDataLoss)}
          onClose={change.closePlan}
        />
      )}
      {rival !== undefined && (
        <ChangedDialog
          name={name}
          rival={rival}
          onBoth={() => {
            onStart(rival.definition, rival.theirs, true);
            change.closeRival();
          }}
          onDiscard={() => {
            onStart(rival.theirs.definition, rival.theirs, false);
            change.closeRival();
          }}
          onClose={change.closeRival}
        />
      )}
    </>
  );
}

interface ChangeButtonsProps<T extends { name: string }> {
  workspace: string;
  kind: Kind;
  /** Undefined for a new table or view. */
  base: Loaded<T> | undefined;
  change: Change<T>;
  onDeleted: () => void;
}

/** The buttons of the page of a definition. */
export function ChangeButtons<T extends { name: string }>(props: ChangeButtonsProps<T>): ReactNode {
  const { workspace, kind, base, change, onDeleted } = props;
  const [isDeleting, setDeleting] = useState(false);
  return (
    <>
      <Button onClick={change.submit} loading={change.isBusy && change.planned === undefined}>
        {base === undefined ? `Create ${NOUNS[kind]}` : "Show the steps"}
      </Button>
      {base !== undefined && (
        <Button variant="light" color="red" onClick={() => setDeleting(true)}>
          Delete {NOUNS[kind]}
        </Button>
      )}
      <span role="status">{change.note}</span>
      {isDeleting && base !== undefined && (
        <DeleteDefinition
          workspace={workspace}
          kind={kind}
          name={base.definition.name}
          tag={base.tag}
          onDeleted={onDeleted}
          onClose={() => setDeleting(false)}
        />
      )}
    </>
  );
}
