import { Button, Drawer, Group } from "@mantine/core";
import { IconFilter } from "@tabler/icons-react";
import { useState } from "react";
import type { Filter } from "../../api/types";
import { useDraftGuard } from "../editing/useDraftGuard";
import { countOf, draftOf, filterOf, type Junction, newCondition } from "../filters/draft";
import { FilterBuilder } from "../filters/FilterBuilder";
import type { Column } from "./columns";
import { ToolButton } from "./ToolButton";

interface FilterButtonProps {
  columns: readonly Column[];
  filter: Filter | undefined;
  onFilter: (filter: Filter | undefined) => void;
  /** The draft, while the builder is open. */
  draft: Junction | null;
  onDraft: (draft: Junction | null) => void;
}

/** Opens the filter builder; the rows change when the filter is applied. */
export function FilterButton({ columns, filter, onFilter, draft, onDraft }: FilterButtonProps) {
  const [isChanged, setChanged] = useState(false);
  const close = () => {
    setChanged(false);
    onDraft(null);
  };
  const guard = useDraftGuard(isChanged, close);
  const apply = (changed: Filter | undefined) => {
    onFilter(changed);
    close();
  };
  return (
    <>
      <ToolButton
        icon={<IconFilter size={16} aria-hidden />}
        label="Filter"
        count={countOf(filter)}
        counted="conditions"
        onClick={() => onDraft(openedDraft(filter, columns[0]))}
      />
      <Drawer
        opened={draft !== null}
        onClose={guard.close}
        closeOnEscape={!guard.isAsking}
        title="Filter"
        position="right"
        size="xl"
        closeButtonProps={{ "aria-label": "Close" }}
      >
        {draft !== null && (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              apply(filterOf(draft, columns));
            }}
          >
            <FilterBuilder
              draft={draft}
              columns={columns}
              onChange={(changed) => {
                setChanged(true);
                onDraft(changed);
              }}
            />
            <Group mt="lg">
              <Button type="submit">Apply</Button>
              {filter !== undefined && (
                <Button variant="default" onClick={() => apply(undefined)}>
                  Remove the filter
                </Button>
              )}
            </Group>
          </form>
        )}
        {guard.dialog}
      </Drawer>
    </>
  );
}

/** The present filter, or a first condition to fill in. A filter from a link that is not one is left out. */
export function openedDraft(filter: Filter | undefined, column: Column | undefined): Junction {
  let draft: Junction;
  try {
    draft = draftOf(filter);
  } catch {
    draft = draftOf(undefined);
  }
  return draft.items.length === 0 && column !== undefined
    ? { ...draft, items: [newCondition(column)] }
    : draft;
}

export function useDraft() {
  return useState<Junction | null>(null);
}
