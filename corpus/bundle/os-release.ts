/** What os-release says of a distribution; null where it says nothing. */
export interface OsRelease {
  /** `ID`; `linux` where the file has none, as os-release(5) says. */
  readonly id: string;
  /** `VERSION_ID`; rolling and unreleased distributions have none. */
  readonly versionId: string | null;
}

/**
 * Reads os-release(5): assignments as a shell would take them, so that `ID="centos"`, `ID='centos'` and `ID=centos` are
 * one. The last assignment of a name counts; lines that are none are passed over.
 */
export function parseOsRelease(text: string): OsRelease {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, name, value] = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*?)\s*$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) values.set(name, unquoted(value));
  }
  return { id: values.get("ID") || "linux", versionId: values.get("VERSION_ID") || null };
}

/** A shell word without its quotes and backslashes. Inside double quotes a backslash stands before `"$`\` only. */
function unquoted(word: string): string {
  const quote = word[0];
  if (word.length >= 2 && (quote === '"' || quote === "'") && word.endsWith(quote)) {
    const inner = word.slice(1, -1);
    return quote === "'" ? inner : inner.replace(/\\(["$`\\])/g, "$1");
  }
  return word.replace(/\\(.)/g, "$1");
}
