/** Structs and unions that a tool calls changed, by `struct NAME`, with its words, indented as they are below its line. */
export type ChangedStructs = ReadonlyMap<string, readonly string[]>;

/** Reads a report of unindented lines, of which `head` matches those of a changed struct, with indented ones below them. */
export function changedStructs(report: Uint8Array, head: RegExp): ChangedStructs {
  const changes = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const line of Buffer.from(report).toString("latin1").split("\n")) {
    if (/^\S/.test(line)) {
      const name = head.exec(line)?.[1];
      current = name === undefined ? undefined : [];
      if (name !== undefined && current !== undefined) changes.set(name, current);
    } else if (line !== "") current?.push(line);
  }
  return changes;
}
