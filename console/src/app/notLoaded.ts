/** Files of the console that are loaded when they are needed. */
import { useQuery } from "@tanstack/react-query";
import { messageOf } from "../api/errors";

/** A part of a page. If it cannot be loaded, the page stays as it is, with what was typed there. */
export function usePart<T>(name: string, load: () => Promise<T>, isNeeded = true) {
  return useQuery({
    queryKey: ["part", name],
    queryFn: load,
    enabled: isNeeded,
    staleTime: Infinity,
    gcTime: Infinity,
    retry: false,
    networkMode: "always",
    structuralSharing: false,
  });
}

export function notLoadedText(error: unknown): string {
  return isNotLoaded(error)
    ? "A part of the console could not be loaded: the server does not respond, or it has a new version."
    : messageOf(error);
}

/** Whether a file could not be loaded: browsers have different words for it. */
function isNotLoaded(error: unknown): boolean {
  return error instanceof TypeError && /import|module/i.test(error.message);
}
