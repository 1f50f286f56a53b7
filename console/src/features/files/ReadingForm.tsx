import { Group, NativeSelect, NumberInput, SimpleGrid, TextInput } from "@mantine/core";
import { useState } from "react";
import type { FileReading, Inspected } from "./requests";

interface ReadingFormProps {
  reading: FileReading;
  inspected: Inspected | undefined;
  onChange: (reading: FileReading) => void;
}

const DETECTED = { value: "", label: "as detected" };
const FORMATS = [
  { value: "csv", label: "CSV" },
  { value: "ndjson", label: "NDJSON (JSON lines)" },
  { value: "xlsx", label: "Excel" },
  { value: "ods", label: "OpenDocument" },
  { value: "parquet", label: "Parquet" },
] as const;
const DELIMITERS = [
  { value: ",", label: "comma" },
  { value: ";", label: "semicolon" },
  { value: "\t", label: "tab" },
  { value: "|", label: "vertical bar" },
];
const ENCODINGS = [
  "utf-8",
  "windows-1252",
  "utf-16",
  "iso-8859-15",
  "windows-1250",
  "windows-1251",
  "shift-jis",
];
const DECIMALS = [
  { value: ".", label: "1234.5" },
  { value: ",", label: "1234,5" },
  { value: ",.", label: "1.234,5" },
  { value: ".,", label: "1,234.5" },
  { value: ", ", label: "1 234,5" },
];
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;
const ZONES = [
  { value: "", label: "no zone chosen" },
  ...[...new Set([HERE, "UTC"])].map((zone) => ({ value: zone, label: zone })),
];
const DATES = ["", "DD.MM.YYYY", "DD/MM/YYYY", "MM/DD/YYYY", "DD-MM-YYYY"];

/** How the file is read. What was detected is shown, and can be changed. */
export function ReadingForm({ reading, inspected, onChange }: ReadingFormProps) {
  const detected = inspected?.detected;
  const kind = reading.format ?? detected?.format ?? "";
  const isText = kind === "csv" || kind === "tsv";
  const hasHeader = kind !== "ndjson" && kind !== "parquet";
  const set = (changed: FileReading) => onChange({ ...reading, ...changed });
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 5 }} spacing="sm" verticalSpacing="xs">
      <NativeSelect
        size="xs"
        label="Format"
        value={reading.format ?? ""}
        data={[{ ...DETECTED, label: detected?.format ?? DETECTED.label }, ...FORMATS]}
        onChange={({ currentTarget: { value } }) =>
          set({ format: FORMATS.find((each) => each.value === value)?.value ?? null })
        }
      />
      {isText && (
        <NativeSelect
          size="xs"
          label="Delimiter"
          value={reading.delimiter ?? detected?.delimiter ?? ""}
          data={withOther(DELIMITERS, reading.delimiter ?? detected?.delimiter)}
          onChange={({ currentTarget: { value } }) => set({ delimiter: value })}
        />
      )}
      {(isText || kind === "ndjson") && (
        <NativeSelect
          size="xs"
          label="Encoding"
          value={reading.encoding ?? ""}
          data={[{ ...DETECTED, label: detected?.encoding ?? DETECTED.label }, ...ENCODINGS]}
          onChange={({ currentTarget: { value } }) => set({ encoding: value || null })}
        />
      )}
      {(inspected?.sheets.length ?? 0) > 1 && (
        <NativeSelect
          size="xs"
          label="Sheet"
          value={reading.sheet ?? detected?.sheet ?? ""}
          data={inspected?.sheets ?? []}
          onChange={({ currentTarget: { value } }) => set({ sheet: value })}
        />
      )}
      {hasHeader && (
        <NumberInput
          size="xs"
          label="Line of the header"
          description="0: there is none"
          inputWrapperOrder={["label", "input", "description"]}
          min={0}
          max={1000}
          allowDecimal={false}
          value={reading.headerLine ?? 1}
          onChange={(value) => typeof value === "number" && set({ headerLine: value })}
        />
      )}
      {hasHeader && (
        <NativeSelect
          size="xs"
          label="Numbers"
          value={(reading.decimal ?? ".") + (reading.thousands ?? "")}
          data={DECIMALS}
          onChange={({ currentTarget: { value } }) =>
            set({ decimal: value.charAt(0), thousands: value.slice(1) })
          }
        />
      )}
      {hasHeader && (
        <NativeSelect
          size="xs"
          label="Dates"
          value={reading.dateFormats?.[0] ?? ""}
          data={withOther(
            DATES.map((value) => ({ value, label: value || "in one way only" })),
            reading.dateFormats?.[0],
          )}
          onChange={({ currentTarget: { value } }) => set({ dateFormats: value ? [value] : [] })}
        />
      )}
      {kind !== "ndjson" && (
        <NativeSelect
          size="xs"
          label="Zone of times without one"
          value={reading.timeZone ?? ""}
          data={ZONES}
          onChange={({ currentTarget: { value } }) => set({ timeZone: value || null })}
        />
      )}
      {hasHeader && <Nulls reading={reading} onChange={set} />}
    </SimpleGrid>
  );
}

function Nulls({ reading, onChange }: { reading: FileReading; onChange: (changed: FileReading) => void }) {
  const [text, setText] = useState((reading.nulls ?? []).join(", "));
  return (
    <Group align="flex-start">
      <TextInput
        size="xs"
        label="Also null"
        placeholder="NULL, n/a"
        value={text}
        onChange={({ currentTarget: { value } }) => setText(value)}
        onBlur={() =>
          onChange({
            nulls: text
              .split(",")
              .map((each) => each.trim())
              .filter(Boolean),
          })
        }
      />
    </Group>
  );
}

function withOther(known: { value: string; label: string }[], value: string | null | undefined) {
  if (value === null || value === undefined || known.some((each) => each.value === value)) return known;
  return [...known, { value, label: value }];
}
