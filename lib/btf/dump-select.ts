import { type Btf, type BtfSegment, kindOf, nameOffsetOf } from "./view.ts";

/** Type ids `first` to `last`, both included, as the file numbers them. */
export interface IdRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Which types to print. Of the entries of one list a type has to match any; of several lists, one of each. An absent or
 * empty list leaves nothing out.
 */
export interface DumpSelection {
  /** Index into `btf.segments`; the last by default: a module's own types, as `bpftool -B BASE btf dump` prints. */
  readonly segment?: number;
  /** Names; `*` stands for any run of bytes, also an empty one, `?` for one byte. Anonymous types have the empty name. */
  readonly names?: readonly string[];
  /** Kinds by number. */
  readonly kinds?: readonly number[];
  readonly ids?: readonly IdRange[];
}

/** The segment a selection prints. */
export function selectedSegment(btf: Btf, selection: DumpSelection): BtfSegment {
  const index = selection.segment ?? btf.segments.length - 1;
  const segment = btf.segments[index];
  if (segment === undefined) throw new RangeError(`no segment ${index}`);
  return segment;
}

/** Ids, in the view's numbering and ascending, of the types that a selection prints. */
export function selectTypes(btf: Btf, selection: DumpSelection): Uint32Array {
  const segment = selectedSegment(btf, selection);
  const { names = [], kinds = [], ids = [] } = selection;
  const patterns = names.map((name) => new TextEncoder().encode(name));
  const kindWanted = new Set(kinds);
  const selected = new Uint32Array(segment.endId - segment.startId);
  let count = 0;
  for (let id = segment.startId; id < segment.endId; id++) {
    const own = id - segment.idShift;
    if (kindWanted.size !== 0 && !kindWanted.has(kindOf(btf, id))) continue;
    if (ids.length !== 0 && !ids.some(({ first, last }) => first <= own && own <= last)) continue;
    const name = nameOffsetOf(btf, id);
    if (patterns.length !== 0 && !patterns.some((pattern) => matchesGlob(pattern, btf.strings, name))) continue;
    selected[count++] = id;
  }
  return selected.subarray(0, count);
}

const STAR = 0x2a;
const QUESTION_MARK = 0x3f;

/**
 * True when the NUL-terminated string at an offset matches a pattern of `*` (any run of bytes) and `?` (one byte).
 * Goes back to the last star only, so the work is at most the product of the two lengths.
 */
export function matchesGlob(pattern: Uint8Array, strings: Uint8Array, offset: number): boolean {
  let at = offset;
  let p = 0;
  let star = -1;
  let resumeAt = 0;
  for (;;) {
    const byte = strings[at] ?? 0;
    if (pattern[p] === STAR) {
      star = p++;
      resumeAt = at;
    } else if (byte === 0) {
      return p === pattern.length;
    } else if (pattern[p] === byte || pattern[p] === QUESTION_MARK) {
      p++;
      at++;
    } else if (star !== -1) {
      p = star + 1;
      at = ++resumeAt;
    } else {
      return false;
    }
  }
}
