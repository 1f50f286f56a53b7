/** The filter of a list as the address bar has it: a parameter for each field. */

/** The parameters with these names; what is not set is missing. */
export function chosen<Name extends string>(
  names: readonly Name[],
  parameters: URLSearchParams,
): Partial<Record<Name, string>> {
  const given = names.map((name) => [name, parameters.get(name)?.trim() ?? ""] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== "")) as Partial<Record<Name, string>>;
}

/** The parameters with one of them changed; an empty text removes it. */
export function withField(parameters: URLSearchParams, name: string, value: string): URLSearchParams {
  const next = new URLSearchParams(parameters);
  if (value === "") next.delete(name);
  else next.set(name, value);
  return next;
}
