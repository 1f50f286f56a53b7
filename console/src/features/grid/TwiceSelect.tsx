import { NativeSelect } from "@mantine/core";
import { timesLike } from "./localInput";

interface TwiceSelectProps {
  /** A time of the API. */
  time: string;
  onChange: (time: string) => void;
}

/** For a time in the hour that comes twice when clocks are set back: asks which of the two it is. */
export function TwiceSelect({ time, onChange }: TwiceSelectProps) {
  const [first, second] = timesLike(time);
  if (first === undefined || second === undefined) return null;
  return (
    <NativeSelect
      size="xs"
      aria-label="Before or after the clocks are set back"
      data={[
        { value: first, label: "before the clocks are set back" },
        { value: second, label: "after the clocks are set back" },
      ]}
      value={new Date(time).toISOString()}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
