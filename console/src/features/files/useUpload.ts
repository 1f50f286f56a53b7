import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { ApiError, messageOf } from "../../api/errors";
import { notUploaded } from "./notUploaded";
import { upload } from "./requests";

export interface Uploading {
  /** The name of the file that is sent, or nothing. */
  name: string | undefined;
  share: number;
  /** What was refused. */
  errors: readonly string[];
  start: (files: File[]) => void;
  cancel: () => void;
  /** Takes the errors away. */
  close: () => void;
}

/** Uploads files, then opens the page of the first. `table` is the table that was open. */
export function useUpload(workspace: string, table?: string): Uploading {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [name, setName] = useState<string>();
  const [share, setShare] = useState(0);
  const [errors, setErrors] = useState<readonly string[]>([]);
  const aborting = useRef<AbortController>(undefined);
  useEffect(() => () => aborting.current?.abort(), []);
  const start = useCallback(
    (files: File[]) => {
      aborting.current?.abort();
      const controller = new AbortController();
      aborting.current = controller;
      setErrors(files.length === 0 ? ["There is no file in it that can be imported."] : []);
      void sent(files);

      async function sent(all: File[]) {
        const stored: string[] = [];
        for (const [at, file] of all.entries()) {
          setName(file.name);
          setShare(0);
          try {
            stored.push((await upload(workspace, file, setShare, controller.signal)).id);
          } catch (failure) {
            if (controller.signal.aborted) break;
            if (failure instanceof ApiError && failure.code === "too_many_uploads") {
              // the others would be refused too
              const left = all.slice(at).map((each) => each.name);
              setErrors((others) => [...others, notUploaded(left, messageOf(failure))]);
              break;
            }
            setErrors((others) => [...others, `${file.name}: ${messageOf(failure)}`]);
          }
        }
        if (aborting.current === controller) setName(undefined);
        const [first] = stored;
        if (first === undefined || controller.signal.aborted) return;
        void queries.invalidateQueries({ queryKey: ["files", workspace] });
        const into = table === undefined ? "" : `?table=${encodeURIComponent(table)}`;
        await navigate(`/w/${workspace}/import/${first}${into}`);
      }
    },
    [workspace, table, navigate, queries],
  );
  const cancel = useCallback(() => aborting.current?.abort(), []);
  const close = useCallback(() => setErrors([]), []);
  return { name, share, errors, start, cancel, close };
}
