import { useCallback, useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { messageOf } from "../../api/errors";
import { upload } from "./requests";

export interface Uploading {
  /** The name of the file that is sent, or nothing. */
  name: string | undefined;
  share: number;
  error: string | undefined;
  start: (file: File) => void;
  cancel: () => void;
}

/** Uploads a file, then opens its page. `table` is the table that was open. */
export function useUpload(workspace: string, table?: string): Uploading {
  const navigate = useNavigate();
  const [name, setName] = useState<string>();
  const [share, setShare] = useState(0);
  const [error, setError] = useState<string>();
  const aborting = useRef<AbortController>(undefined);
  useEffect(() => () => aborting.current?.abort(), []);
  const start = useCallback(
    (file: File) => {
      aborting.current?.abort();
      const controller = new AbortController();
      aborting.current = controller;
      setName(file.name);
      setShare(0);
      setError(undefined);
      upload(workspace, file, setShare, controller.signal)
        .then(({ id }) => {
          const into = table === undefined ? "" : `?table=${encodeURIComponent(table)}`;
          return navigate(`/w/${workspace}/import/${id}${into}`);
        })
        .catch((failure: unknown) => {
          if (!controller.signal.aborted) setError(messageOf(failure));
        })
        .finally(() => {
          if (aborting.current === controller) setName(undefined);
        });
    },
    [workspace, table, navigate],
  );
  const cancel = useCallback(() => aborting.current?.abort(), []);
  return { name, share, error, start, cancel };
}
