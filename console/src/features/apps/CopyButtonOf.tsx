import { Button, CopyButton } from "@mantine/core";

interface CopyButtonOfProps {
  /** What it is, for screen readers. */
  name: string;
  value: string;
}

export function CopyButtonOf({ name, value }: CopyButtonOfProps) {
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <Button size="compact-xs" variant="default" style={{ flexShrink: 0 }} onClick={copy}>
          {copied ? "Copied" : "Copy"}
          <span className="visually-hidden"> {name}</span>
        </Button>
      )}
    </CopyButton>
  );
}
