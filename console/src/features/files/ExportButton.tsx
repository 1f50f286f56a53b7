import { Alert, Button, Group, Loader, Menu, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useRef } from "react";
import { messageOf } from "../../api/errors";
import type { Column } from "../grid/columns";
import type { Selection, Source } from "../grid/rowQueries";
import { type ExportFormat, FORMATS, readFile, save } from "./exports";

interface ExportButtonProps {
  source: Source;
  selection: Selection;
  columns: readonly Column[];
}

/** Exports the rows of the filter, in their order, with the visible columns. */
export function ExportButton({ source, selection, columns }: ExportButtonProps) {
  const aborting = useRef<AbortController>(undefined);
  const run = useMutation({
    mutationFn: async (format: ExportFormat) => {
      aborting.current = new AbortController();
      const names = columns.map(({ name }) => name);
      const content = await readFile(source, selection, names, format, aborting.current.signal);
      save(content, `${source.name}.${format.suffix}`);
    },
  });
  const error = run.error?.name === "AbortError" ? null : run.error;
  return (
    <>
      <Menu position="bottom-start" withinPortal>
        <Menu.Target>
          <Button
            size="xs"
            variant="default"
            disabled={columns.length === 0}
            leftSection={<IconDownload size={16} aria-hidden />}
          >
            Export
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>All rows of the filter, visible columns</Menu.Label>
          {FORMATS.map((format) => (
            // not the button, which has the focus again when the menu is closed
            <Menu.Item key={format.suffix} disabled={run.isPending} onClick={() => run.mutate(format)}>
              {format.label}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      {run.isPending && (
        <Group gap={6} role="status">
          <Loader size={14} aria-hidden />
          <Text size="sm">Exporting</Text>
          <Button size="compact-xs" variant="default" onClick={() => aborting.current?.abort()}>
            Cancel
          </Button>
        </Group>
      )}
      {error !== null && (
        <Alert
          color="red"
          role="alert"
          p={4}
          withCloseButton
          closeButtonLabel="Close"
          onClose={() => run.reset()}
        >
          {messageOf(error)}
        </Alert>
      )}
    </>
  );
}
