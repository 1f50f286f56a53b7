import { Button, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api } from "../../api/client";
import { ConfirmDialog } from "../apps/ConfirmDialog";
import { loadAgain, type User } from "./queries";

type Asked = "admin" | "delete";

/** Gives a user the rights of an administrator, takes them away, or deletes the user; each asks first. */
export function UserActions({ user }: { user: User }) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const queries = useQueryClient();
  const params = { path: { user: user.id } };
  const change = useMutation({
    mutationFn: async (what: Asked) => {
      if (what === "delete") await answered(api.DELETE("/api/v1/users/{user}", { params }));
      else await answered(api.PATCH("/api/v1/users/{user}", { params, body: { admin: !user.admin } }));
    },
    onSuccess: async () => {
      setAsked(null);
      await loadAgain(queries, ["users"]);
    },
  });
  const { title, text, action } = QUESTIONS[asked ?? "admin"](user);
  return (
    <>
      <Button size="compact-xs" variant="subtle" onClick={() => setAsked("admin")}>
        {user.admin ? "Remove administrator" : "Make administrator"}
        <span className="visually-hidden"> {user.name}</span>
      </Button>
      <Button size="compact-xs" variant="subtle" color="red" onClick={() => setAsked("delete")}>
        Delete<span className="visually-hidden"> {user.name}</span>
      </Button>
      {asked !== null && (
        <ConfirmDialog
          title={title}
          action={action}
          error={change.error}
          isBusy={change.isPending}
          onConfirm={() => change.mutate(asked)}
          onCancel={() => {
            change.reset();
            setAsked(null);
          }}
        >
          <Text size="sm">{text}</Text>
        </ConfirmDialog>
      )}
    </>
  );
}

const QUESTIONS: Record<Asked, (user: User) => { title: string; text: string; action: string }> = {
  admin: ({ name, admin }) =>
    admin
      ? {
          title: `Remove ${name} as administrator?`,
          text: `${name} is signed out, and has only the rights of roles and shares afterwards.`,
          action: "Remove administrator",
        }
      : {
          title: `Make ${name} an administrator?`,
          text: `${name} may then do everything: in all workspaces, also with users and admin tokens.`,
          action: "Make administrator",
        },
  delete: ({ name }) => ({
    title: `Delete ${name}?`,
    text: `${name} is signed out and loses all rights; this cannot be undone. Rows and tables stay, and the rows still show the name. To sign somebody out only for a time, disable the user.`,
    action: "Delete the user",
  }),
};
