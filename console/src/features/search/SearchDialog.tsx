import { Combobox, Loader, Modal, ScrollArea, Text, TextInput, useCombobox } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useEffect, useMemo, useState } from "react";
import { useNavigate } from "react-router";
import { useFocusBack } from "../../app/useFocusBack";
import { found } from "./entries";
import { useEntries } from "./useEntries";

interface SearchDialogProps {
  workspace: string;
  onClose: () => void;
}

/** Finds tables, views, columns, apps, users, pages and docs, and goes there. */
export function SearchDialog({ workspace, onClose }: SearchDialogProps) {
  const navigate = useNavigate();
  useFocusBack();
  const [text, setText] = useState("");
  const { entries, isLoading } = useEntries(workspace);
  const groups = useMemo(() => found(entries, text), [entries, text]);
  const combobox = useCombobox({ opened: true });
  const { selectFirstOption } = combobox;
  useEffect(() => {
    selectFirstOption();
    // the function is another one each time
    // oxlint-disable-next-line react/exhaustive-deps
  }, [groups]);
  const shown = groups.flatMap((each) => each.entries);
  const go = (value: string) => {
    const entry = shown[Number(value)];
    onClose();
    if (entry?.to !== undefined) void navigate(entry.to);
    if (entry?.href !== undefined) window.location.assign(entry.href);
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title="Search everywhere"
      size="lg"
      yOffset="8dvh"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Combobox store={combobox} onOptionSubmit={go}>
        <Combobox.EventsTarget withExpandedAttribute>
          <TextInput
            data-autofocus
            role="combobox"
            aria-label="Search everywhere"
            placeholder="Tables, charts, columns, apps, users, pages, API docs"
            leftSection={<IconSearch size={16} aria-hidden />}
            rightSection={isLoading ? <Loader size={14} aria-label="Loading what can be found" /> : null}
            value={text}
            maxLength={200}
            onChange={(event) => setText(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === "Escape") onClose();
            }}
          />
        </Combobox.EventsTarget>
        <ScrollArea.Autosize mah="60dvh" mt="xs" type="auto" viewportProps={{ tabIndex: -1 }}>
          <Combobox.Options aria-label="Found">
            {groups.map(({ group, entries: own }) => (
              <Combobox.Group key={group} label={group}>
                {own.map((entry) => (
                  <Combobox.Option key={shown.indexOf(entry)} value={String(shown.indexOf(entry))}>
                    <Text size="sm" component="span" fw={500}>
                      {entry.label}
                    </Text>{" "}
                    <Text size="xs" component="span">
                      {entry.detail}
                    </Text>
                  </Combobox.Option>
                ))}
              </Combobox.Group>
            ))}
          </Combobox.Options>
        </ScrollArea.Autosize>
      </Combobox>
      <Text size="sm" role="status" mt={4}>
        {shown.length === 0 && !isLoading ? "Nothing matches the search." : ""}
      </Text>
    </Modal>
  );
}
