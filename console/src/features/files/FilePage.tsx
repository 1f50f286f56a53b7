import { Alert, Anchor, Button, Container, Group, Loader, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link, useParams, useSearchParams } from "react-router";
import { bytesText } from "../tables/size";
import { ErrorNote } from "../people/ErrorNote";
import { FilePreview } from "./FilePreview";
import { ImportForm } from "./ImportForm";
import { ImportProgress } from "./ImportProgress";
import { guessedNumbers } from "./numbers";
import { ReadingForm } from "./ReadingForm";
import { type FileReading, fileQuery, inspectQuery, isOpen, type UploadedFile } from "./requests";

/** An uploaded file: how it is read, where its columns go, and its import. */
export function FilePage() {
  const { workspace = "main", file = "" } = useParams();
  const found = useQuery(fileQuery(workspace, file));
  useDocumentTitle(`Import ${found.data?.name ?? ""} – Rowkeep`);
  return (
    <Container fluid p="md" w="100%">
      <Group gap="xs" align="baseline" mb="sm">
        <Title order={1} size="h3" style={{ overflowWrap: "anywhere" }}>
          Import {found.data?.name}
        </Title>
        {found.data !== undefined && (
          <Text size="sm" c="dimmed">
            {bytesText(found.data.size)}
          </Text>
        )}
        <Anchor component={Link} to={`/w/${workspace}/import`} size="sm" ml="auto">
          All imports
        </Anchor>
      </Group>
      <ErrorNote error={found.error} />
      {found.data === undefined ? (
        found.error === null && <Loader aria-label="Loading" />
      ) : (
        <Loaded key={file} workspace={workspace} file={found.data} />
      )}
    </Container>
  );
}

function Loaded({ workspace, file }: { workspace: string; file: UploadedFile }) {
  const queries = useQueryClient();
  const [wantsForm, setWantsForm] = useState(false);
  const isRunning = isOpen(file);
  const status = file.import?.status;
  useEffect(() => {
    // the rows of tables have changed
    if (status === "finished") {
      for (const key of ["tables", "sizes", "count", "usable"])
        void queries.invalidateQueries({ queryKey: [key] });
    }
  }, [status, queries]);
  const showsForm = file.isStored && !isRunning && (wantsForm || file.import === null);
  const [hasForm, setHasForm] = useState(showsForm);
  if (showsForm && !hasForm) setHasForm(true);
  return (
    <>
      {file.import != null && !showsForm && (
        <ImportProgress
          workspace={workspace}
          file={file}
          done={file.import}
          onAgain={() => setWantsForm(true)}
        />
      )}
      {/* once shown it stays, so that nothing that was chosen is lost by a check; before, the file need not be read */}
      {file.isStored && hasForm && (
        <div hidden={!showsForm}>
          <Options workspace={workspace} file={file} onStarted={() => setWantsForm(false)} />
        </div>
      )}
    </>
  );
}

interface OptionsProps {
  workspace: string;
  file: UploadedFile;
  onStarted: () => void;
}

function Options({ workspace, file, onStarted }: OptionsProps) {
  const [chosen, setReading] = useState<FileReading>({});
  const [parameters] = useSearchParams();
  const first = useQuery({ ...inspectQuery(workspace, file.id, chosen), placeholderData: keepPreviousData });
  // until somebody says how numbers are written
  const guessed =
    chosen.decimal === undefined && first.data !== undefined ? guessedNumbers(first.data) : undefined;
  const reading = { ...guessed, ...chosen };
  const inspected = useQuery({
    ...inspectQuery(workspace, file.id, reading),
    placeholderData: keepPreviousData,
  });
  return (
    <Stack gap="md">
      <section aria-label="How the file is read">
        <ReadingForm reading={reading} inspected={inspected.data} onChange={setReading} />
      </section>
      {inspected.isFetching && <Loader size="sm" aria-label="Reading the file" />}
      {inspected.error !== null && (
        <Alert color="red" role="alert">
          {inspected.error.message}
          <Button size="compact-xs" variant="light" ml="sm" onClick={() => void inspected.refetch()}>
            Try again
          </Button>
        </Alert>
      )}
      {inspected.data !== undefined && inspected.error === null && (
        <>
          {inspected.data.nUnreadable > 0 && (
            <Alert color="yellow">
              {inspected.data.nUnreadable.toLocaleString()} of the first records cannot be read:{" "}
              {inspected.data.unreadable[0]}
            </Alert>
          )}
          {inspected.data.notes.map((note) => (
            <Text key={note} size="sm" c="dimmed">
              {note}.
            </Text>
          ))}
          <FilePreview inspected={inspected.data} />
          <ImportForm
            key={[
              inspected.data.detected.sheet,
              ...inspected.data.columns.map(({ label, name }) => `${label} ${name}`),
            ].join("\n")}
            workspace={workspace}
            file={file}
            reading={reading}
            inspected={inspected.data}
            table={parameters.get("table")}
            onStarted={onStarted}
          />
        </>
      )}
    </Stack>
  );
}
