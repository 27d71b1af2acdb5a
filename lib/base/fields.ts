/** Header fields by name: of several with one name, a list. */
export type Fields = Map<string, string | string[]>;

export function addField(fields: Fields, name: string, value: string): void {
  const before = fields.get(name);
  if (before === undefined) fields.set(name, value);
  else if (Array.isArray(before)) before.push(value);
  else fields.set(name, [before, value]);
}
