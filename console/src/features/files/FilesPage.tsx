import { Anchor, Badge, Button, Container, Group, Loader, Table, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import { ErrorNote } from "../people/ErrorNote";
import { ImportButton } from "./Drop";
import { countsText } from "./ImportProgress";
import { deleteFile, filesQuery, isOpen } from "./requests";

/** The files that the user has uploaded, with their imports. */
export function FilesPage() {
  const { workspace = "main" } = useParams();
  useDocumentTitle("Imports – Rowkeep");
  const files = useQuery(filesQuery(workspace));
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: (file: string) => deleteFile(workspace, file),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["files", workspace] }),
  });
  return (
    <Container fluid p="md" w="100%">
      <Group mb="md">
        <Title order={1} size="h2">
          Imports
        </Title>
        <ImportButton workspace={workspace} />
      </Group>
      <Text size="sm" c="dimmed" mb="md">
        Drop files or a folder on any page: CSV, NDJSON, Excel, OpenDocument or Parquet, also compressed as
        .gz or .zst.
      </Text>
      <ErrorNote error={files.error ?? remove.error} />
      {files.isPending && <Loader aria-label="Loading imports" />}
      {files.data !== undefined && files.data.files.length > 0 && (
        <Table.ScrollContainer minWidth={420}>
          <Table verticalSpacing="xs">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>File</Table.Th>
                <Table.Th>State</Table.Th>
                <Table.Th>Rows</Table.Th>
                <Table.Th>
                  <span className="visually-hidden">Delete</span>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {files.data.files.map((file) => (
                <Table.Tr key={file.id}>
                  <Table.Td className="long-name">
                    <Anchor component={Link} to={`/w/${workspace}/import/${file.id}`}>
                      {file.name}
                    </Anchor>
                  </Table.Td>
                  <Table.Td>
                    <Badge variant="default">{file.import?.status ?? "uploaded"}</Badge>
                  </Table.Td>
                  <Table.Td>{file.import != null && countsText(file.import)}</Table.Td>
                  <Table.Td>
                    <Button
                      size="compact-xs"
                      variant="default"
                      aria-label={`Delete ${file.name}`}
                      disabled={isOpen(file)}
                      onClick={() => remove.mutate(file.id)}
                    >
                      Delete
                    </Button>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Container>
  );
}
