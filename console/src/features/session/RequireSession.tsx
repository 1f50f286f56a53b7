import { Center, Loader } from "@mantine/core";
import { Fragment } from "react";
import { Navigate, Outlet, useLocation } from "react-router";
import { useSession } from "./session";
import { SignInAgain } from "./SignInAgain";

/** Shows its pages only to people who are signed in; others sign in first and come back. */
export function RequireSession() {
  const { session, isEnded, error } = useSession();
  const { pathname, search } = useLocation();
  if (session === undefined) {
    if (error !== null) throw error;
    return (
      <Center component="main" h="100dvh">
        <Loader aria-label="Loading" />
      </Center>
    );
  }
  if (session === null) {
    const next = pathname === "/" ? "" : `?next=${encodeURIComponent(pathname + search)}`;
    return <Navigate to={`/sign-in${next}`} replace />;
  }
  return (
    <>
      <Fragment key={session.id}>
        <Outlet />
      </Fragment>
      <SignInAgain session={session} isOpen={isEnded} />
    </>
  );
}
