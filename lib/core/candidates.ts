import { HASH_PRIME, HASH_SEED } from "../btf/hash.ts";
import { equalBytes, essentialLength } from "../btf/strings.ts";
import { type Btf, type BtfSegment, kindOf, NO_ROOT_KINDS, nameOffsetOf, typeCount } from "../btf/view.ts";
import { sameKind } from "./match-field.ts";
import { LIBBPF_RULES, type MatchRules } from "./rules.ts";

const UNDERSCORE = 0x5f;
/** More than the long prefixes that thousands of a kernel's names share ("trace_event_raw_" and a word). */
const HASHED_BYTES = 32;
/** Names are hashed a word at a time; these find a byte in one (the lowest and highest bit of each, and `_` in each). */
const WORD_BYTES = 4;
const LOW_BITS = 0x01010101;
const HIGH_BITS = 0x80808080;
const UNDERSCORES = 0x5f5f5f5f;

/**
 * Kinds that are left out of the index and searched for one by one when a relocation asks for them, which no compiler
 * makes it do: functions are half the types of a kernel and would make the index twice as dear.
 */
const UNINDEXED: ReadonlySet<number> = NO_ROOT_KINDS;

/**
 * Named types of a target by name: a hash table by the first four bytes of it, and within those that a lookup has asked
 * for, by the whole essential name.
 */
export interface CandidateIndex {
  readonly btf: Btf;
  readonly mask: number;
  /** First entry of each bucket's chain; 0 for none. Chains run in ascending order of ids. */
  readonly heads: Uint32Array;
  /** The next entry of the chain. */
  readonly next: Uint32Array;
  /** First word of each entry's name, see firstWord; the entry of `btf.roots[i]` is i + 1. */
  readonly firstWords: Int32Array;
  /** Ids by hash of the essential name, for each first word that was asked for. */
  readonly families: Map<number, ReadonlyMap<number, readonly number[]>>;
  /** Named types whose name cilium/ebpf cuts elsewhere than libbpf: found once, when somebody asks for them. */
  oddNames: readonly number[] | null;
}

/**
 * Indexes the types that a relocation's root may name, 10,600 in a 6.1 kernel; bpftool and libbpf go through all types
 * for each root type of each object. Few names are ever asked for, so they are hashed whole only where their first
 * word is that of one: a process that handles one kernel spends 4 ms here instead of 15, most of it in cold code.
 */
export function indexCandidates(btf: Btf): CandidateIndex {
  const { strings, roots } = btf;
  const view = new DataView(strings.buffer, strings.byteOffset, strings.byteLength);
  const entries = roots.length + 1;
  const mask = (1 << Math.max(4, 32 - Math.clz32(entries))) - 1;
  const firstWords = new Int32Array(entries);
  const heads = new Uint32Array(mask + 1);
  const next = new Uint32Array(entries);
  // From the last to the first, so that chains run in ascending order: the order in which libbpf finds candidates.
  for (let entry = entries - 1; entry > 0; entry--) {
    const word = firstWord(view, nameOffsetOf(btf, roots[entry - 1] as number));
    const bucket = mix(HASH_SEED, word) & mask;
    firstWords[entry] = word;
    next[entry] = heads[bucket] as number;
    heads[bucket] = entry;
  }
  return { btf, mask, heads, next, firstWords, families: new Map(), oddNames: null };
}

/** The first four bytes of a name, zeros behind its end. */
function firstWord(view: DataView, offset: number): number {
  if (offset + WORD_BYTES > view.byteLength)
    return wordOf(new Uint8Array(view.buffer, view.byteOffset), offset, WORD_BYTES);
  const word = view.getInt32(offset, true);
  const ends = zeroBytes(word);
  return ends === 0 ? word : word & (((ends & -ends) >>> 7) - 1);
}

/** Up to four bytes, low one first, up to a NUL or the end. */
function wordOf(strings: Uint8Array, offset: number, length: number): number {
  let word = 0;
  for (let i = 0; i < Math.min(length, WORD_BYTES); i++) {
    const byte = strings[offset + i] ?? 0;
    if (byte === 0) break;
    word |= byte << (8 * i);
  }
  return word;
}

/**
 * Hash of a name without its flavour: of its first HASHED_BYTES, four at a time (byte by byte takes twice as long). A
 * flavour that begins behind those changes nothing; only names with `__` inside them are looked at again.
 */
function hashEssential(strings: Uint8Array, view: DataView, offset: number): number {
  if (offset + HASHED_BYTES > strings.length) return hashBytes(strings, offset, essentialLength(strings, offset));
  let hash = HASH_SEED;
  for (let at = offset; at < offset + HASHED_BYTES; at += WORD_BYTES) {
    const word = view.getInt32(at, true);
    // Of three underscores in a row, two are neighbours in one word.
    const underscores = zeroBytes(word ^ UNDERSCORES);
    if ((underscores & (underscores << 8)) !== 0) {
      return hashBytes(strings, offset, essentialLength(strings, offset));
    }
    const ends = zeroBytes(word);
    // The bytes before the lowest zero: those below its mark.
    if (ends !== 0) return mix(hash, word & (((ends & -ends) >>> 7) - 1));
    hash = mix(hash, word);
  }
  // A flavour's mark may begin with the last byte.
  const flavoured = strings[offset + HASHED_BYTES - 1] === UNDERSCORE;
  return flavoured ? hashBytes(strings, offset, essentialLength(strings, offset)) : hash;
}

/** The upper bit of each byte that is zero; those above the lowest one may be marked wrongly. */
function zeroBytes(word: number): number {
  return (word - LOW_BITS) & ~word & HIGH_BITS;
}

/** Hash of the first `length` bytes at an offset, as the index has it for essential names of that length. */
function hashBytes(strings: Uint8Array, offset: number, length: number): number {
  const hashed = Math.min(length, HASHED_BYTES);
  let hash = HASH_SEED;
  for (let from = 0; from <= hashed && from < HASHED_BYTES; from += WORD_BYTES) {
    let word = 0;
    for (let i = 0; i < WORD_BYTES && from + i < hashed; i++) word |= (strings[offset + from + i] as number) << (8 * i);
    hash = mix(hash, word);
  }
  return hash;
}

/** FNV-1a's step, with the upper bits brought down: buckets are chosen by the lower ones. */
function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, HASH_PRIME);
  return mixed ^ (mixed >>> 15);
}

/**
 * The types of the target that bear the local type's name, flavours aside, and are of its kind, in ascending order
 * (libbpf.c and kernel/bpf/btf.c, bpf_core_find_cands). With modules behind the base: those of the base when it has any,
 * matching or not, else those of every module. Cilium's rules have others: findCiliumCandidates.
 */
export function findCandidates(
  index: CandidateIndex,
  local: Btf,
  localId: number,
  { enumsAreOne }: MatchRules = LIBBPF_RULES,
): number[] {
  const { btf } = index;
  const name = nameOffsetOf(local, localId);
  const length = essentialLength(local.strings, name);
  if (length === 0) return [];
  const kind = kindOf(local, localId);
  const isCandidate = (id: number): boolean => {
    const targetKind = kindOf(btf, id);
    if (enumsAreOne ? !sameKind(kind, targetKind) : kind !== targetKind) return false;
    const targetName = nameOffsetOf(btf, id);
    return (
      equalBytes(local.strings, name, btf.strings, targetName, length) &&
      essentialLength(btf.strings, targetName) === length
    );
  };
  const found = UNINDEXED.has(kind)
    ? scanAll(btf, isCandidate)
    : lookUp(index, local.strings, name, length, isCandidate);
  const baseEnd = (btf.segments[0] as BtfSegment).endId;
  const inBase = found.filter((id) => id < baseEnd);
  return inBase.length > 0 ? inBase : found;
}

/** The types that pass a test, of those whose essential name may be the first `length` bytes of a name; ascending. */
export function lookUp(
  index: CandidateIndex,
  strings: Uint8Array,
  name: number,
  length: number,
  isCandidate: (id: number) => boolean,
): number[] {
  const hash = hashBytes(strings, name, length);
  const word = wordOf(strings, name, length);
  const found = (familyOf(index, word).get(hash) ?? []).filter(isCandidate);
  if (length >= WORD_BYTES) return found;
  // Of a short name, a flavour's underscores are in the first word as well.
  const flavoured = familyOf(index, word | (UNDERSCORES << (8 * length))).get(hash) ?? [];
  return [...found, ...flavoured.filter(isCandidate)].sort((a, b) => a - b);
}

/** The types whose names begin with a word, by hash of their essential names: made when first asked for. */
function familyOf(index: CandidateIndex, word: number): ReadonlyMap<number, readonly number[]> {
  const known = index.families.get(word);
  if (known !== undefined) return known;
  const { btf, mask, heads, next, firstWords } = index;
  const { strings } = btf;
  const view = new DataView(strings.buffer, strings.byteOffset, strings.byteLength);
  const family = new Map<number, number[]>();
  for (let entry = heads[mix(HASH_SEED, word) & mask] as number; entry !== 0; entry = next[entry] as number) {
    if (firstWords[entry] !== word) continue;
    const id = btf.roots[entry - 1] as number;
    const hash = hashEssential(strings, view, nameOffsetOf(btf, id));
    const ids = family.get(hash);
    if (ids === undefined) family.set(hash, [id]);
    else ids.push(id);
  }
  index.families.set(word, family);
  return family;
}

/** All types that pass a test, in ascending order. */
export function scanAll(btf: Btf, isCandidate: (id: number) => boolean): number[] {
  const found: number[] = [];
  for (let id = 1; id < typeCount(btf); id++) if (isCandidate(id)) found.push(id);
  return found;
}
