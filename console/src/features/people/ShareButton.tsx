import { Button, Group, Loader, Modal, NativeSelect, Stack, Text } from "@mantine/core";
import { IconShare } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Source } from "../grid/rowQueries";
import { AddByEmail } from "./AddByEmail";
import { ErrorNote } from "./ErrorNote";
import { OwnerLine } from "./OwnerLine";
import { loadAgain } from "./queries";
import { Removed } from "./Removed";
import { keyOf, removeShare, type Right, setShare, type Share, sharesQuery } from "./shares";

const RIGHTS: readonly { value: Right; label: string }[] = [
  { value: "read", label: "may read" },
  { value: "edit", label: "may change rows" },
  { value: "manage", label: "may manage" },
];

function rightOf(text: string): Right {
  return RIGHTS.find(({ value }) => value === text)?.value ?? "read";
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
  const [removed, setRemoved] = useState<Share | null>(null);
  const remove = useMutation({
    mutationFn: ({ user }: Share) => removeShare(source, user),
    onSuccess: async (_, share) => {
      setRemoved(share);
      await changed();
    },
  });
  if (shares.data === null || shares.isPending) return null;
  return (
    <>
      <Button
        size="compact-sm"
        variant="default"
        style={{ flexShrink: 0 }}
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
          <AddByEmail
            label="Right"
            choices={RIGHTS}
            first="read"
            button="Share"
            takesFocus
            isBusy={set.isPending}
            onAdd={(user, right) => set.mutateAsync({ user, right })}
          />
          {shares.isFetching && <Loader size={16} aria-label="Loading" />}
          {shares.data !== undefined && (
            <>
              <OwnerLine source={source} owner={shares.data.owner} onGiven={() => setOpen(false)} />
              <ShareList
                shares={shares.data.shares}
                onRight={(user, right) => set.mutate({ user, right })}
                onRemove={(share) => remove.mutate(share)}
              />
              {removed !== null && (
                <Removed
                  name={removed.name}
                  onUndo={() => {
                    set.mutate(removed);
                    setRemoved(null);
                  }}
                />
              )}
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
  onRemove: (share: Share) => void;
}

function ShareList({ shares, onRight, onRemove }: ShareListProps) {
  if (shares.length === 0) return <Text size="sm">It is not shared with anybody yet.</Text>;
  return (
    <Stack gap="xs" role="list">
      {shares.map((share) => (
        <Group key={share.user} gap="xs" role="listitem">
          <Text size="sm" style={{ flex: "1 1 200px", overflowWrap: "anywhere" }}>
            {share.name} ({share.email})
          </Text>
          <NativeSelect
            size="xs"
            aria-label={`Right of ${share.name}`}
            data={RIGHTS}
            value={share.right}
            onChange={(event) => onRight(share.user, rightOf(event.currentTarget.value))}
          />
          <Button size="compact-xs" variant="subtle" color="red" onClick={() => onRemove(share)}>
            Remove<span className="visually-hidden"> {share.name}</span>
          </Button>
        </Group>
      ))}
    </Stack>
  );
}
