import { Alert, Button, FileButton, Group, Overlay, Progress, Text } from "@mantine/core";
import { IconFileImport } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { type Uploading, useUpload } from "./useUpload";

export const ACCEPTED = ".csv,.tsv,.tab,.ndjson,.jsonl,.parquet,.xlsx,.xls,.xlsb,.xlsm,.ods,.gz,.zst";

interface ImportButtonProps {
  workspace: string;
  /** The table that is open, if any. */
  table?: string;
  size?: "xs" | "compact-sm";
}

/** Chooses a file to import; one can also be dropped anywhere on the page. */
export function ImportButton({ workspace, table, size = "xs" }: ImportButtonProps) {
  const uploading = useUpload(workspace, table);
  const isOver = useDrop(uploading.start);
  return (
    <>
      <FileButton accept={ACCEPTED} onChange={(file) => file !== null && uploading.start(file)}>
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
      {isOver && (
        <Overlay fixed zIndex={400} backgroundOpacity={0.7} center>
          <Text c="white" size="xl" fw={600}>
            {table === undefined ? "Drop a file to import it" : `Drop a file to import it into ${table}`}
          </Text>
        </Overlay>
      )}
      <UploadNote uploading={uploading} />
    </>
  );
}

function UploadNote({ uploading: { name, share, error, cancel } }: { uploading: Uploading }) {
  if (error !== undefined)
    return (
      <Alert color="red" role="alert" w="100%" p="xs">
        {error}
      </Alert>
    );
  if (name === undefined) return null;
  return (
    <Group w="100%" gap="xs" role="status">
      <Text size="sm">Uploading {name}</Text>
      <Progress value={share * 100} aria-label={`Uploading ${name}`} flex={1} miw={80} />
      <Button size="compact-xs" variant="default" onClick={cancel}>
        Cancel
      </Button>
    </Group>
  );
}

/** Whether a file is held over the page; calls `onFile` when it is dropped. */
function useDrop(onFile: (file: File) => void): boolean {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const hasFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const over = (event: DragEvent) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      setOver(false);
      const file = event.dataTransfer?.files[0];
      if (file !== undefined) onFile(file);
    };
    addEventListener("dragover", over);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  }, [onFile]);
  return isOver;
}
