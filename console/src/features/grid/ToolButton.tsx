import { Badge, Button, type ButtonProps } from "@mantine/core";
import type { ComponentPropsWithRef, ReactNode } from "react";

interface ToolButtonProps extends Omit<ComponentPropsWithRef<"button">, "color" | "style"> {
  icon: ReactNode;
  label: string;
  count: number;
  /** What is counted, for screen readers. */
  counted: string;
  variant?: ButtonProps["variant"];
}

/** A button of the toolbar; on narrow screens only its icon is visible. */
export function ToolButton({ icon, label, count, counted, ...others }: ToolButtonProps) {
  return (
    <Button size="xs" variant="default" leftSection={icon} {...others}>
      {label}
      {count > 0 && (
        <Badge ml={6} size="xs" circle>
          {count}
          <span className="visually-hidden"> {counted}</span>
        </Badge>
      )}
    </Button>
  );
}
