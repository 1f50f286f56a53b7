/** Changes of several people: what somebody else changed in a definition meanwhile, and both changes together. */

type Members = Record<string, unknown>;

/** The lists of a definition whose entries are known by their name. */
const NAMED_LISTS: Record<string, string> = { schemaDef: "column", indexes: "index" };
const LABELS: Record<string, string> = {
  groupBy: "the groups",
  sortBy: "the sort",
  as: "the name of the first table",
};

export interface Merged {
  definition: Members;
  /** What both changed in a different way; the definition has one's own change. */
  conflicts: string[];
}

/** What is different in `after`, one line each. */
export function differences(before: Members, after: Members): string[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) => {
    const kind = NAMED_LISTS[key];
    if (kind !== undefined) return listDifferences(kind, namedIn(before[key]), namedIn(after[key]));
    if (isSame(before[key], after[key])) return [];
    const label = LABELS[key] ?? key;
    return [`${label}: ${shortText(before[key])} → ${shortText(after[key])}`];
  });
}

function listDifferences(kind: string, before: Map<string, Members>, after: Map<string, Members>): string[] {
  const gone = [...before].filter(([key]) => !after.has(key));
  const added = [...after].filter(([key]) => !before.has(key));
  const changed = [...after].flatMap(([key, now]) => {
    const was = before.get(key);
    return was === undefined
      ? []
      : memberDifferences(was, now).map((each) => `${kind} ${nameOf(now)}: ${each}`);
  });
  return [
    ...gone.map(([, each]) => `${kind} ${nameOf(each)} was removed`),
    ...added.map(([, each]) => `${kind} ${nameOf(each)} was added`),
    ...changed,
  ];
}

function memberDifferences(before: Members, after: Members): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => !isSame(before[key], after[key]))
    .map((key) => `${key} ${shortText(before[key])} → ${shortText(after[key])}`);
}

/** Both changes of a definition: `mine` and `theirs` are each based on `base`. */
export function merged(base: Members, mine: Members, theirs: Members): Merged {
  const conflicts: string[] = [];
  const definition: Members = {};
  for (const key of new Set([...Object.keys(mine), ...Object.keys(theirs)])) {
    const kind = NAMED_LISTS[key];
    definition[key] =
      kind === undefined
        ? mergedValue(base[key], mine[key], theirs[key], key, conflicts)
        : mergedList(kind, namedIn(base[key]), listIn(mine[key]), namedIn(theirs[key]), conflicts);
  }
  return { definition, conflicts };
}

function mergedValue(
  base: unknown,
  mine: unknown,
  theirs: unknown,
  what: string,
  conflicts: string[],
): unknown {
  if (isSame(mine, theirs) || isSame(theirs, base)) return mine;
  if (isSame(mine, base)) return theirs;
  conflicts.push(`${what}: yours is ${shortText(mine)}, theirs ${shortText(theirs)}`);
  return mine;
}

function mergedList(
  kind: string,
  base: Map<string, Members>,
  mine: Members[],
  theirs: Map<string, Members>,
  conflicts: string[],
): Members[] {
  const used = new Set<string>();
  const own = mine.flatMap((each): Members[] => {
    const key = keyOf(each.renamedFrom ?? each.name);
    used.add(key);
    const was = base.get(key);
    const now = theirs.get(key);
    const label = `${kind} ${nameOf(each)}`;
    if (now === undefined) {
      if (was === undefined) return [each];
      if (isUnchanged(was, each)) return [];
      conflicts.push(`${label}: you changed it, they removed it`);
      return [without(each, "renamedFrom")];
    }
    if (was === undefined) {
      if (!isUnchanged(now, each)) conflicts.push(`${label}: both added it`);
      return [each];
    }
    const keys = new Set([...Object.keys(each), ...Object.keys(now)]);
    const both = [...keys].map((name) => {
      // the names are the same, or only one's own is another
      const value = ["name", "renamedFrom"].includes(name)
        ? each[name]
        : mergedValue(was[name], each[name], now[name], `${label}, ${name}`, conflicts);
      return [name, value];
    });
    return [Object.fromEntries(both.filter(([, value]) => value !== undefined)) as Members];
  });
  const names = new Set(own.map((each) => keyOf(each.name)));
  const added = [...theirs].filter(([key, now]) => {
    if (used.has(key)) return false;
    const was = base.get(key);
    if (was === undefined) return !names.has(key);
    if (!isSame(was, now)) conflicts.push(`${kind} ${nameOf(now)}: you removed it, they changed it`);
    return false;
  });
  return [...own, ...added.map(([, each]) => each)];
}

/** Whether an entry of one's own has no change: a key that is not sent is one that is not set. */
function isUnchanged(was: Members, mine: Members): boolean {
  return [...new Set([...Object.keys(was), ...Object.keys(mine)])].every((key) =>
    isSame(was[key], mine[key]),
  );
}

function without(members: Members, key: string): Members {
  return Object.fromEntries(Object.entries(members).filter(([name]) => name !== key));
}

function listIn(value: unknown): Members[] {
  return Array.isArray(value) ? (value as Members[]) : [];
}

function namedIn(value: unknown): Map<string, Members> {
  return new Map(listIn(value).map((each) => [keyOf(each.name), each]));
}

function keyOf(name: unknown): string {
  return String(name).toLowerCase();
}

function nameOf(members: Members): string {
  return String(members.name);
}

/** `""`, `{}`, `[]`, null and a missing key all mean "not set". Texts of digits are numbers. */
function isSame(a: unknown, b: unknown): boolean {
  return normal(a) === normal(b);
}

function normal(value: unknown): string {
  if (value === undefined || value === null || value === "") return "";
  const text = JSON.stringify(value);
  return text === "{}" || text === "[]" ? "" : text.replace(/^"([0-9]+)"$/, "$1");
}

const MAX_SHOWN = 60;

function shortText(value: unknown): string {
  const text = normal(value);
  if (text === "") return "not set";
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
