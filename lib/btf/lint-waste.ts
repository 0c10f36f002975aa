import { KIND_ARRAY, KIND_FUNC_PROTO, KIND_PTR } from "./format.ts";
import { HASH_PRIME, HASH_SEED } from "./hash.ts";
import { complainOfFile, complainOfType, showName } from "./lint-finding.ts";
import type { RecordPass } from "./lint-meta.ts";
import { isTransparent } from "./lint-walk.ts";
import { equalStrings, stringAt } from "./strings.ts";
import { kindOf, nameOffsetOf } from "./view.ts";

/** What the waste rules need to know of the file. */
export interface WasteOptions {
  /** First byte of the blob's own strings in the view's. */
  readonly stringStart: number;
  /** False when something else (a .BTF.ext section) names strings as well. */
  readonly ownsStrings: boolean;
}

/**
 * Warns of what is only weight: strings that nobody reads, strings that are there twice, nameless types that nothing
 * refers to. One finding each, with a count and the first example.
 */
export function lintWaste(pass: RecordPass, options: WasteOptions): void {
  lintUnreferenced(pass);
  lintStringWaste(pass, options);
}

function lintUnreferenced({ subject, used }: RecordPass): void {
  const { btf, startId, endId } = subject;
  let count = 0;
  let first = 0;
  for (let id = startId; id < endId; id++) {
    if (used[id] === 1 || nameOffsetOf(btf, id) !== 0) continue;
    const kind = kindOf(btf, id);
    if (kind !== KIND_PTR && kind !== KIND_ARRAY && kind !== KIND_FUNC_PROTO && !isTransparent(kind)) continue;
    if (count++ === 0) first = id;
  }
  if (count === 0) return;
  const others = count === 1 ? "" : ` (and ${count - 1} more such types)`;
  complainOfType(subject, "unreferenced-types", first, `has no name and nothing refers to it${others}`);
}

function lintStringWaste({ subject, names }: RecordPass, options: WasteOptions): void {
  const { strings, known } = names;
  const seen = new StringSet(strings, options.stringStart);
  let duplicates = 0;
  let firstDuplicate = -1;
  let unusedBytes = 0;
  let firstUnused = -1;
  for (let at = options.stringStart; at < strings.length; ) {
    // FNV-1a over the string, which also finds its end; a name may be the tail of a longer string.
    let hash = HASH_SEED;
    let use = 0;
    let end = at;
    for (let byte = strings[end] as number; byte !== 0 && end < strings.length; byte = strings[++end] as number) {
      hash = Math.imul(hash ^ byte, HASH_PRIME);
      use |= known[end] as number;
    }
    if (at !== end) {
      if (!seen.add(at, hash) && duplicates++ === 0) firstDuplicate = at;
      if (use === 0) {
        unusedBytes += end + 1 - at;
        if (firstUnused === -1) firstUnused = at;
      }
    }
    at = end + 1;
  }
  const complain = (rule: "duplicate-strings" | "unused-strings", message: string, at: number): void =>
    complainOfFile(subject.report, rule, "STRINGS", message, { offset: at - options.stringStart });
  if (duplicates > 0) {
    const example = showName(stringAt(strings, firstDuplicate));
    complain(
      "duplicate-strings",
      `${duplicates} strings are there more than once, '${example}' is one`,
      firstDuplicate,
    );
  }
  if (unusedBytes > 0 && options.ownsStrings) {
    const example = showName(stringAt(strings, firstUnused));
    complain(
      "unused-strings",
      `${unusedBytes} bytes of strings are no name of anything, '${example}' is one`,
      firstUnused,
    );
  }
}

/** A hash set of string offsets, compared by bytes: a Set of decoded strings takes ten times as long. */
class StringSet {
  readonly #strings: Uint8Array;
  /** Pairs: a string's offset plus one (0: free), its hash. */
  readonly #slots: Int32Array;

  constructor(strings: Uint8Array, from: number) {
    this.#strings = strings;
    let count = 1;
    for (let at = from; at < strings.length; at++) if (strings[at] === 0) count++;
    // Twice as many slots as strings at least, so that probes end soon.
    this.#slots = new Int32Array(2 * 2 ** Math.ceil(Math.log2(count * 2)));
  }

  /** False when the string at `at` was there. */
  add(at: number, hash: number): boolean {
    const slots = this.#slots;
    const mask = (slots.length >>> 1) - 1;
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const other = slots[slot * 2] as number;
      if (other === 0) {
        slots[slot * 2] = at + 1;
        slots[slot * 2 + 1] = hash;
        return true;
      }
      if (slots[slot * 2 + 1] === hash && equalStrings(this.#strings, other - 1, this.#strings, at)) return false;
    }
  }
}
