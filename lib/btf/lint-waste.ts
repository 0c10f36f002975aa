import {
  ELEMENT_NAME_WORDS,
  ELEMENT_TYPE_ID_WORDS,
  ELEMENT_WORDS,
  FIXED_WORDS,
  KIND_ARRAY,
  KIND_FUNC_PROTO,
  KIND_MAX,
  KIND_PTR,
  NAME_WORD,
  TYPE_ID_WORDS,
} from "./format.ts";
import { complainOfFile, complainOfType, type LintSubject, showName } from "./lint-finding.ts";
import { isTransparent } from "./lint-walk.ts";
import { equalStrings, stringAt } from "./strings.ts";
import { kindOf, nameOffsetOf, recordOf } from "./view.ts";

/** What is referred to: type ids and name offsets, one byte each. */
interface Uses {
  readonly types: Uint8Array;
  readonly names: Uint8Array;
}

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
export function lintWaste(subject: LintSubject, options: WasteOptions): void {
  const uses = usesOf(subject);
  // What a kind that this library does not know refers to cannot be told.
  if (uses === undefined) return;
  lintUnreferenced(subject, uses);
  lintStringWaste(subject, uses, options);
}

function usesOf(subject: LintSubject): Uses | undefined {
  const { btf, startId, endId } = subject;
  const { words } = btf;
  const types = new Uint8Array(endId);
  const names = new Uint8Array(btf.strings.length);
  for (let id = startId; id < endId; id++) {
    const kind = kindOf(btf, id);
    if (kind > KIND_MAX) return undefined;
    const record = recordOf(btf, id);
    const end = recordOf(btf, id + 1);
    names[words[record + NAME_WORD] as number] = 1;
    for (let bits = TYPE_ID_WORDS[kind] as number, word = record; bits !== 0; bits >>>= 1, word++) {
      if ((bits & 1) === 1) types[words[word] as number] = 1;
    }
    const perElement = ELEMENT_WORDS[kind] as number;
    if (perElement === 0) continue;
    const hasNames = ELEMENT_NAME_WORDS[kind] !== 0;
    const idBits = ELEMENT_TYPE_ID_WORDS[kind] as number;
    const idWord = idBits >>> 1;
    for (let at = record + (FIXED_WORDS[kind] as number); at < end; at += perElement) {
      if (hasNames) names[words[at] as number] = 1;
      if (idBits !== 0) types[words[at + idWord] as number] = 1;
    }
  }
  return { types, names };
}

function lintUnreferenced(subject: LintSubject, uses: Uses): void {
  const { btf, startId, endId } = subject;
  let count = 0;
  let first = 0;
  for (let id = startId; id < endId; id++) {
    if (uses.types[id] === 1 || nameOffsetOf(btf, id) !== 0) continue;
    const kind = kindOf(btf, id);
    if (kind !== KIND_PTR && kind !== KIND_ARRAY && kind !== KIND_FUNC_PROTO && !isTransparent(kind)) continue;
    if (count++ === 0) first = id;
  }
  if (count === 0) return;
  const others = count === 1 ? "" : ` (and ${count - 1} more such types)`;
  complainOfType(subject, "unreferenced-types", first, `has no name and nothing refers to it${others}`);
}

function lintStringWaste(subject: LintSubject, uses: Uses, options: WasteOptions): void {
  const { strings } = subject.btf;
  const seen = new StringSet(strings, options.stringStart);
  let duplicates = 0;
  let firstDuplicate = -1;
  let unusedBytes = 0;
  let firstUnused = -1;
  let nextUse = -1;
  for (let at = options.stringStart; at < strings.length; ) {
    // FNV-1a over the string, which also finds its end.
    let hash = 0x811c9dc5;
    let end = at;
    for (let byte = strings[end] as number; byte !== 0 && end < strings.length; byte = strings[++end] as number) {
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    if (at !== end) {
      if (!seen.add(at, hash) && duplicates++ === 0) firstDuplicate = at;
      // A name may be the tail of a longer string.
      if (nextUse < at) {
        const use = uses.names.indexOf(1, at);
        nextUse = use === -1 ? strings.length : use;
      }
      if (nextUse >= end) {
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
