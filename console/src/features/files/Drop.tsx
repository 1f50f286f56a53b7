import { Alert, Button, FileButton, Group, Overlay, Paper, Progress, Text } from "@mantine/core";
import { IconFileImport } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { droppedFiles } from "./dropped";
import { type Uploading, useUpload } from "./useUpload";

export const ACCEPTED = ".csv,.tsv,.tab,.ndjson,.jsonl,.parquet,.xlsx,.xls,.xlsb,.xlsm,.ods,.gz,.zst";

interface ImportButtonProps {
  workspace: string;
  /** The table that is open, if any. */
  table?: string;
  size?: "xs" | "compact-sm";
}

/** Chooses files to import; they can also be dropped anywhere on the page. */
export function ImportButton({ workspace, table, size = "xs" }: ImportButtonProps) {
  const uploading = useUpload(workspace, table);
  return (
    <>
      <FileButton multiple accept={ACCEPTED} onChange={uploading.start}>
        {(props) => (
          <Button
            {...props}
            size={size}
            variant="default"
            style={{ flexShrink: 0 }}
            leftSection={<IconFileImport size={14} aria-hidden />}
          >
            Import
          </Button>
        )}
      </FileButton>
      <UploadNote uploading={uploading} />
    </>
  );
}

interface DropZoneProps {
  workspace: string;
  /** The table that is open, if any. */
  table: string | undefined;
}

/** Imports the files that are dropped anywhere on the page. */
export function DropZone({ workspace, table }: DropZoneProps) {
  const uploading = useUpload(workspace, table);
  const isOver = useDrop(uploading.start);
  const isShown = uploading.name !== undefined || uploading.errors.length > 0;
  return (
    <>
      {isOver && (
        <Overlay fixed zIndex={400} backgroundOpacity={0.7} center>
          <Text c="white" size="xl" fw={600}>
            {table === undefined ? "Drop files to import them" : `Drop a file to import it into ${table}`}
          </Text>
        </Overlay>
      )}
      {isShown && (
        <Paper
          withBorder
          shadow="md"
          p="xs"
          pos="fixed"
          bottom={16}
          right={16}
          w="min(420px, calc(100vw - 32px))"
          style={{ zIndex: 300 }}
        >
          <UploadNote uploading={uploading} />
        </Paper>
      )}
    </>
  );
}

function UploadNote({ uploading: { name, share, errors, cancel, close } }: { uploading: Uploading }) {
  return (
    <>
      {errors.length > 0 && (
        <Alert
          color="red"
          role="alert"
          w="100%"
          p="xs"
          withCloseButton
          closeButtonLabel="Close"
          onClose={close}
        >
          {errors.map((each) => (
            <Text key={each} size="sm" style={{ overflowWrap: "anywhere" }}>
              {each}
            </Text>
          ))}
        </Alert>
      )}
      {name !== undefined && (
        <Group w="100%" gap="xs" role="status">
          <Text size="sm" truncate maw="50%">
            Uploading {name}
          </Text>
          <Progress value={share * 100} aria-label={`Uploading ${name}`} flex={1} miw={80} />
          <Button size="compact-xs" variant="default" onClick={cancel}>
            Cancel
          </Button>
        </Group>
      )}
    </>
  );
}

/** Whether files are held over the page; calls `onFiles` when they are dropped. */
function useDrop(onFiles: (files: File[]) => void): boolean {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const hasFile = (event: DragEvent) =>
      !event.defaultPrevented && (event.dataTransfer?.types.includes("Files") ?? false);
    const over = (event: DragEvent) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent) => {
      if (!hasFile(event) || event.dataTransfer === null) return;
      event.preventDefault();
      setOver(false);
      void droppedFiles(event.dataTransfer, ACCEPTED.split(",")).then(onFiles);
    };
    addEventListener("dragover", over);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  }, [onFiles]);
  return isOver;
}
