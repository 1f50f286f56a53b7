import { Button, Group, Loader, Modal, NativeSelect, Stack, Table, Text, TextInput } from "@mantine/core";
import { IconShare } from "@tabler/icons-react";
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api } from "../../api/client";
import { ApiError } from "../../api/errors";
import type { components } from "../../api/schema";
import type { Source } from "../grid/rowQueries";
import { ErrorNote } from "./ErrorNote";
import { loadAgain } from "./queries";

type Share = components["schemas"]["ShareResponse"];
type Right = Share["right"];

const RIGHTS: readonly { value: Right; label: string }[] = [
  { value: "read", label: "may read" },
  { value: "edit", label: "may change rows" },
  { value: "manage", label: "may manage" },
];

function rightOf(text: string): Right {
  return RIGHTS.find(({ value }) => value === text)?.value ?? "read";
}

const keyOf = ({ workspace, kind, name }: Source) => ["shares", workspace, kind, name];

/** The owner and the shares; null for people who may not see them. */
const sharesQuery = (source: Source) =>
  queryOptions({
    queryKey: keyOf(source),
    queryFn: async ({ signal }) => {
      const { workspace, kind, name } = source;
      try {
        return kind === "tables"
          ? await answered(
              api.GET("/api/v1/workspaces/{workspace}/tables/{table}/shares", {
                params: { path: { workspace, table: name } },
                signal,
              }),
            )
          : await answered(
              api.GET("/api/v1/workspaces/{workspace}/views/{view}/shares", {
                params: { path: { workspace, view: name } },
                signal,
              }),
            );
      } catch (error) {
        if (error instanceof ApiError && error.status === 403) return null;
        throw error;
      }
    },
  });

function setShare({ workspace, kind, name }: Source, user: string, right: Right) {
  return kind === "tables"
    ? answered(
        api.PUT("/api/v1/workspaces/{workspace}/tables/{table}/shares/{user}", {
          params: { path: { workspace, table: name, user } },
          body: { right },
        }),
      )
    : answered(
        api.PUT("/api/v1/workspaces/{workspace}/views/{view}/shares/{user}", {
          params: { path: { workspace, view: name, user } },
          body: { right },
        }),
      );
}

function removeShare({ workspace, kind, name }: Source, user: string) {
  return kind === "tables"
    ? answered(
        api.DELETE("/api/v1/workspaces/{workspace}/tables/{table}/shares/{user}", {
          params: { path: { workspace, table: name, user } },
        }),
      )
    : answered(
        api.DELETE("/api/v1/workspaces/{workspace}/views/{view}/shares/{user}", {
          params: { path: { workspace, view: name, user } },
        }),
      );
}

/** Shares a table or view with users. Only people who may do that see the button. */
export function ShareButton({ source }: { source: Source }) {
  const [isOpen, setOpen] = useState(false);
  const shares = useQuery(sharesQuery(source));
  const queries = useQueryClient();
  const changed = () => loadAgain(queries, keyOf(source));
  const set = useMutation({
    mutationFn: ({ user, right }: { user: string; right: Right }) => setShare(source, user, right),
    onSuccess: changed,
  });
  const remove = useMutation({ mutationFn: (user: string) => removeShare(source, user), onSuccess: changed });
  if (shares.data === null || shares.isPending) return null;
  return (
    <>
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<IconShare size={14} aria-hidden />}
        onClick={() => setOpen(true)}
      >
        Share
      </Button>
      <Modal
        opened={isOpen}
        onClose={() => setOpen(false)}
        title={`Share ${source.name}`}
        size="lg"
        closeButtonProps={{ "aria-label": "Close" }}
      >
        <Stack>
          <ErrorNote error={shares.error ?? set.error ?? remove.error} />
          <AddShare isBusy={set.isPending} onAdd={(user, right) => set.mutateAsync({ user, right })} />
          {shares.isFetching && <Loader size={16} aria-label="Loading" />}
          {shares.data !== undefined && (
            <>
              <Text size="sm">
                Owner:{" "}
                {shares.data.owner === null
                  ? "nobody"
                  : `${shares.data.owner.name} (${shares.data.owner.email})`}
              </Text>
              <ShareList
                shares={shares.data.shares}
                onRight={(user, right) => set.mutate({ user, right })}
                onRemove={(user) => remove.mutate(user)}
              />
            </>
          )}
        </Stack>
      </Modal>
    </>
  );
}

interface ShareListProps {
  shares: readonly Share[];
  onRight: (user: string, right: Right) => void;
  onRemove: (user: string) => void;
}

function ShareList({ shares, onRight, onRemove }: ShareListProps) {
  if (shares.length === 0) return <Text size="sm">It is not shared with anybody yet.</Text>;
  return (
    <Table verticalSpacing={4}>
      <Table.Tbody>
        {shares.map(({ user, name, email, right }) => (
          <Table.Tr key={user}>
            <Table.Td>
              {name} ({email})
            </Table.Td>
            <Table.Td>
              <NativeSelect
                size="xs"
                aria-label={`Right of ${name}`}
                data={RIGHTS}
                value={right}
                onChange={(event) => onRight(user, rightOf(event.currentTarget.value))}
              />
            </Table.Td>
            <Table.Td>
              <Button size="compact-xs" variant="subtle" color="red" onClick={() => onRemove(user)}>
                Remove<span className="visually-hidden"> {name}</span>
              </Button>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

interface AddShareProps {
  isBusy: boolean;
  onAdd: (user: string, right: Right) => Promise<unknown>;
}

function AddShare({ isBusy, onAdd }: AddShareProps) {
  const [email, setEmail] = useState("");
  const [right, setRight] = useState<Right>("read");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void onAdd(email, right).then(
          () => setEmail(""),
          () => undefined, // the dialog shows the error
        );
      }}
    >
      <Group align="flex-end">
        <TextInput
          size="xs"
          label="E-mail address of a user"
          required
          data-autofocus
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
        <NativeSelect
          size="xs"
          label="Right"
          data={RIGHTS}
          value={right}
          onChange={(event) => setRight(rightOf(event.currentTarget.value))}
        />
        <Button size="xs" type="submit" loading={isBusy}>
          Share
        </Button>
      </Group>
    </form>
  );
}
