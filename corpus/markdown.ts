/** A comment on GitHub holds 65,536 characters; the rest of it is for whoever posts it. */
const MOST_CHARACTERS = 60_000;

/** The parts one after the other, ending, with a word about it, before a comment would be too long. */
export function limited(parts: readonly string[]): string {
  let text = "";
  for (const part of parts) {
    if (text.length + part.length > MOST_CHARACTERS) return `${text}\nThe rest is left out: it would be too long.\n`;
    text += part;
  }
  return text;
}

/** A code span whose fence is longer than any run of backticks in it, on one line: nothing in it is a mention or a link. */
export function code(text: string): string {
  const line = visible(text);
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  const space = line.startsWith("`") || line.endsWith("`") || line.trim() === "" ? " " : "";
  return `${fence}${space}${line}${space}${fence}`;
}

/** The same in a table, where a bar ends a cell even inside of code. */
export function cell(text: string): string {
  return code(text).replaceAll("|", "\\|");
}

/** Text between HTML tags, in which nothing is a tag, a mention or a link. */
export function html(text: string): string {
  return visible(text).replace(/[&<>"'@#]/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** Control characters, those of a text's direction too, as escapes. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

/** `3 kernels`, `1 kernel`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
