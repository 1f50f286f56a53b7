import { CloseButton, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";

const PAUSE_MS = 300;

interface SearchBoxProps {
  search: string;
  onSearch: (search: string) => void;
}

/** Searches the text columns, a moment after the last character. */
export function SearchBox({ search, onSearch }: SearchBoxProps) {
  const [text, setText] = useState(search);
  const [shown, setShown] = useState(search);
  const [sent, setSent] = useState(search);
  const later = useDebouncedCallback((changed: string) => {
    setSent(changed);
    onSearch(changed);
  }, PAUSE_MS);
  if (shown !== search) {
    setShown(search);
    // a search from the address bar, not the one that was typed here: more may have been typed since
    if (search !== sent) setText(search);
  }
  const change = (changed: string) => {
    setText(changed);
    later(changed);
  };
  return (
    <TextInput
      size="xs"
      w={220}
      aria-label="Search text columns"
      placeholder="Search"
      leftSection={<IconSearch size={14} aria-hidden />}
      rightSection={
        text !== "" && <CloseButton size="xs" aria-label="Clear search" onClick={() => change("")} />
      }
      value={text}
      onChange={(event) => change(event.currentTarget.value)}
    />
  );
}
