/** The parameters in the address bar, of which several can be changed one quickly after the other. */
import { useCallback, useEffect, useState } from "react";
import { useSearchParams } from "react-router";
import { type Edit, Newest } from "./newest";

/** The parameters that are shown, and a function that changes the newest ones. */
export function useParameters(): [URLSearchParams, (edit: Edit) => void] {
  const [parameters, setParameters] = useSearchParams();
  const [newest] = useState(() => new Newest(parameters));
  useEffect(() => newest.shown(parameters), [newest, parameters]);
  const edit = useCallback(
    (wanted: Edit) => setParameters(newest.edit(wanted), { replace: true }),
    [newest, setParameters],
  );
  return [parameters, edit];
}
