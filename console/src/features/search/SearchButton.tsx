import { ActionIcon, Alert, Button, Kbd, Modal } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { useLocation } from "react-router";
import { notLoadedText, usePart } from "../../app/notLoaded";

const IS_MAC = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** Opens the search of everything, also by Ctrl+K or Command+K from anywhere. */
export function SearchButton({ workspace }: { workspace: string }) {
  // for the page that it was opened on: the back button of the browser closes it
  const { key } = useLocation();
  const [openedOn, setOpenedOn] = useState<string>();
  const open = () => setOpenedOn(key);
  const close = () => setOpenedOn(undefined);
  useHotkeys([["mod+K", open]], [], true);
  const isOpen = openedOn === key;
  const part = usePart("search", () => import("./SearchDialog"), isOpen);
  const SearchDialog = part.data?.SearchDialog;
  return (
    <>
      <ActionIcon variant="default" size="lg" aria-label="Search everywhere" hiddenFrom="sm" onClick={open}>
        <IconSearch size={18} aria-hidden />
      </ActionIcon>
      <Button
        variant="default"
        size="xs"
        visibleFrom="sm"
        leftSection={<IconSearch size={16} aria-hidden />}
        rightSection={<Kbd size="xs">{IS_MAC ? "⌘K" : "Ctrl K"}</Kbd>}
        onClick={open}
      >
        Search everywhere
      </Button>
      {isOpen && SearchDialog !== undefined && (
        <SearchDialog key={workspace} workspace={workspace} onClose={close} />
      )}
      {isOpen && part.error !== null && (
        <Modal opened onClose={close} title="Search everywhere" closeButtonProps={{ "aria-label": "Close" }}>
          <Alert color="red" role="alert">
            {notLoadedText(part.error)} Load the page again; store first what you have typed.
          </Alert>
        </Modal>
      )}
    </>
  );
}
