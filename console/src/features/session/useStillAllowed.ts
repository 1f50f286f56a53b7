import { useState } from "react";

/** Whether somebody may use a page, or might when it was opened: what was typed there is not lost with the right. The
 * server refuses the change, with the reason. */
export function useStillAllowed(isAllowed: boolean, page: string): boolean {
  const [opened, setOpened] = useState<string>();
  if (isAllowed && opened !== page) setOpened(page);
  return isAllowed || opened === page;
}
