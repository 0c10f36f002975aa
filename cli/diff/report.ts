import { type Change, countChanges, type TypeChange, type TypeSide, type TypesDiff } from "../../lib/diff/change.ts";
import type { Filtered } from "./rules.ts";
import { DIFF_WORDS, wordsOf } from "./words.ts";

/** How many types differ. */
export interface DiffTotals {
  readonly counts: ReturnType<typeof countChanges>;
  /** Types that --ignore has left out. */
  readonly ignored: number;
}

/** The head of the document of `btfgen diff --json`; `types` comes last, a type a line. */
interface DiffHead extends DiffTotals {
  /** Version of this schema. */
  readonly version: 1;
  readonly old: TypesDiff["old"];
  readonly new: TypesDiff["new"];
  /** Differences of changed types by what they are; only those that occur. */
  readonly differences: Readonly<Record<string, number>>;
}

/** What is said of every diff. */
export function diffTotals({ types, ignored }: Filtered): DiffTotals {
  return { counts: countChanges(types), ignored };
}

/** What --stat and every document say of a diff as a whole. */
export function diffHead(diff: TypesDiff, filtered: Filtered): DiffHead {
  const { counts, ignored } = diffTotals(filtered);
  return {
    version: 1,
    old: diff.old,
    new: diff.new,
    counts,
    differences: countDifferences(filtered.types.flatMap((type) => (type.status === "changed" ? type.changes : []))),
    ignored,
  };
}

function countDifferences(changes: readonly Change[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const change of changes) {
    const [what, ...words] = wordsOf(change);
    const names = words.filter((word) => what !== "member" || word !== "changed");
    for (const name of names.length === 0 ? [`${what}`] : names.map((word) => `${what} ${word}`)) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  const words: readonly string[] = DIFF_WORDS;
  const order = (name: string) => words.indexOf(name.split(" ").at(-1) ?? "");
  return Object.fromEntries([...counts].sort(([a], [b]) => order(a) - order(b) || (a < b ? -1 : 1)));
}

/** Writes the document, a type a line: a diff of two kernels is 15 MB. */
export function writeDiffJson(head: DiffHead, types: readonly TypeChange[], write: (chunk: Uint8Array) => void): void {
  const encoder = new TextEncoder();
  const start = JSON.stringify(head, null, 2).replace(/\n\}$/, ',\n  "types": [');
  let text = start;
  types.forEach((type, i) => {
    text += `${i === 0 ? "\n" : ",\n"}    ${JSON.stringify(typeJson(type), bigintText)}`;
    if (text.length < CHUNK) return;
    write(encoder.encode(text));
    text = "";
  });
  write(encoder.encode(`${text}${types.length === 0 ? "" : "\n  "}]\n}\n`));
}

const CHUNK = 1 << 16;

/** A type as the document has it: ids are those of its own file. */
function typeJson({ kind, name, status, old, new: next, ...rest }: TypeChange): object {
  return { kind, name, status, old: sideJson(old), new: sideJson(next), ...rest };
}

function sideJson(side: TypeSide | null): object | null {
  if (side === null) return null;
  const { fileId, size, count, declaration } = side;
  return { id: fileId, size, count, declaration };
}

/** Values of enumerators are decimal strings: 64 bits are more than a number holds. */
function bigintText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
