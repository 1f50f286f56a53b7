import { Button, Group } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconTrash } from "@tabler/icons-react";
import { memo, type ReactNode } from "react";
import classes from "./ItemList.module.css";

interface ItemListProps<T extends { id: number }> {
  label: string;
  /** What an item is, for buttons: "column". */
  noun: string;
  items: readonly T[];
  /** The id of the item that is open. */
  open: number | null;
  onOpen: (id: number | null) => void;
  name: (item: T) => string;
  summary: (item: T) => string;
  /** The problems of items by their position. */
  problems: ReadonlyMap<number, string>;
  renderEditor: (item: T, at: number) => ReactNode;
  onChange: (items: T[]) => void;
}

/** A list of which one item is edited at a time; the others are a line each, so that hundreds stay fast. */
export function ItemList<T extends { id: number }>(props: ItemListProps<T>) {
  const { label, noun, items, open, onOpen, name, summary, problems, renderEditor, onChange } = props;
  if (items.length === 0) return null;
  const move = (at: number, by: number) => {
    const item = items[at];
    if (item !== undefined) onChange(items.toSpliced(at, 1).toSpliced(at + by, 0, item));
  };
  return (
    <ol className={classes.list} aria-label={label}>
      {items.map((item, at) => (
        <li key={item.id} className={classes.item}>
          <Head
            id={item.id}
            name={name(item) || `${noun} ${at + 1}`}
            summary={summary(item)}
            problem={problems.get(at)}
            isOpen={open === item.id}
            onOpen={onOpen}
          />
          {open === item.id && (
            <div className={classes.body} role="group" aria-label={`Edit ${noun} ${name(item) || at + 1}`}>
              {renderEditor(item, at)}
              <Group gap="xs" mt="sm">
                <Button
                  size="compact-xs"
                  variant="default"
                  leftSection={<IconArrowUp size={12} aria-hidden />}
                  disabled={at === 0}
                  onClick={() => move(at, -1)}
                >
                  Move up
                </Button>
                <Button
                  size="compact-xs"
                  variant="default"
                  leftSection={<IconArrowDown size={12} aria-hidden />}
                  disabled={at === items.length - 1}
                  onClick={() => move(at, 1)}
                >
                  Move down
                </Button>
                <Button
                  size="compact-xs"
                  variant="light"
                  color="red"
                  leftSection={<IconTrash size={12} aria-hidden />}
                  onClick={() => {
                    onChange(items.toSpliced(at, 1));
                    onOpen(null);
                  }}
                >
                  Remove {noun}
                </Button>
              </Group>
            </div>
          )}
        </li>
      ))}
    </ol>
  );
}

interface HeadProps {
  id: number;
  name: string;
  summary: string;
  problem: string | undefined;
  isOpen: boolean;
  onOpen: (id: number | null) => void;
}

const Head = memo(function Head({ id, name, summary, problem, isOpen, onOpen }: HeadProps) {
  return (
    <button
      type="button"
      className={classes.head}
      aria-expanded={isOpen}
      onClick={() => onOpen(isOpen ? null : id)}
    >
      <span className={classes.name}>{name}</span>
      <span className={classes.summary}>{summary}</span>
      {problem !== undefined && <span className={classes.problem}>{problem}</span>}
    </button>
  );
});
