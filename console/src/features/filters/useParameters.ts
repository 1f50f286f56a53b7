/** The parameters in the address bar, of which several can be changed one quickly after the other. */
import { useCallback, useEffect, useRef } from "react";
import { useSearchParams } from "react-router";

type Edit = (parameters: URLSearchParams) => URLSearchParams;

/** The parameters that are shown, and a function that changes the newest ones. */
export function useParameters(): [URLSearchParams, (edit: Edit) => void] {
  const [parameters, setParameters] = useSearchParams();
  // the router shows new parameters some time after they are set
  const newest = useRef(parameters);
  useEffect(() => {
    newest.current = parameters;
  }, [parameters]);
  const edit = useCallback(
    (wanted: Edit) => {
      newest.current = wanted(newest.current);
      setParameters(newest.current, { replace: true });
    },
    [setParameters],
  );
  return [parameters, edit];
}
