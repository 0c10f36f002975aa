import { equalBytes, essentialLength } from "../btf/strings.ts";
import { type Btf, type BtfSegment, kindOf, NO_ROOT_KINDS, nameOffsetOf, typeCount } from "../btf/view.ts";
import { sameKind } from "./match-field.ts";

const UNDERSCORE = 0x5f;
/** FNV-1a, 32 bits. */
const HASH_SEED = 0x811c9dc5;
const HASH_PRIME = 0x01000193;
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

/** Named types of a target by essential name and kind: a hash table with chains, of ids in ascending order. */
export interface CandidateIndex {
  readonly btf: Btf;
  readonly mask: number;
  /** First id of each bucket's chain; 0 for none. */
  readonly heads: Uint32Array;
  /** The next id in the chain, by position; see `ids`. */
  readonly next: Uint32Array;
  /** Type id and hash of each entry; entry 0 is unused. */
  readonly ids: Uint32Array;
  readonly hashes: Int32Array;
  /** Named types whose name cilium/ebpf cuts elsewhere than libbpf: found once, when somebody asks for them. */
  oddNames: readonly number[] | null;
}

/**
 * Indexes the types that a relocation's root may name. 2 ms for the 10,600 of a 6.1 kernel (Node 20, warm), after
 * which a lookup is free; bpftool and libbpf go through all types for each root type of each object.
 */
export function indexCandidates(btf: Btf): CandidateIndex {
  const { strings, roots } = btf;
  const view = new DataView(strings.buffer, strings.byteOffset, strings.byteLength);
  const ids = new Uint32Array(roots.length + 1);
  const hashes = new Int32Array(roots.length + 1);
  for (let i = 0; i < roots.length; i++) {
    const id = roots[i] as number;
    ids[i + 1] = id;
    hashes[i + 1] = hashEssential(strings, view, nameOffsetOf(btf, id));
  }
  const entries = roots.length + 1;
  const mask = (1 << Math.max(4, 32 - Math.clz32(entries))) - 1;
  const heads = new Uint32Array(mask + 1);
  const next = new Uint32Array(entries);
  // From the last to the first, so that chains run in ascending order: the order in which libbpf finds candidates.
  for (let entry = entries - 1; entry > 0; entry--) {
    const bucket = (hashes[entry] as number) & mask;
    next[entry] = heads[bucket] as number;
    heads[bucket] = entry;
  }
  return { btf, mask, heads, next, ids, hashes, oddNames: null };
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
export function hashBytes(strings: Uint8Array, offset: number, length: number): number {
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
 * (libbpf.c, bpf_core_find_cands). With modules behind the base: those of the base when it has any, matching or not,
 * else those of every module.
 */
export function findCandidates(index: CandidateIndex, local: Btf, localId: number): number[] {
  const { btf } = index;
  const name = nameOffsetOf(local, localId);
  const length = essentialLength(local.strings, name);
  if (length === 0) return [];
  const kind = kindOf(local, localId);
  const isCandidate = (id: number): boolean => {
    if (!sameKind(kind, kindOf(btf, id))) return false;
    const targetName = nameOffsetOf(btf, id);
    return (
      equalBytes(local.strings, name, btf.strings, targetName, length) &&
      essentialLength(btf.strings, targetName) === length
    );
  };
  const found = UNINDEXED.has(kind)
    ? scanAll(btf, isCandidate)
    : lookUp(index, hashBytes(local.strings, name, length), isCandidate);
  const baseEnd = (btf.segments[0] as BtfSegment).endId;
  const inBase = found.filter((id) => id < baseEnd);
  return inBase.length > 0 ? inBase : found;
}

/** The types with a hash that pass a test, in ascending order. */
export function lookUp(index: CandidateIndex, hash: number, isCandidate: (id: number) => boolean): number[] {
  const found: number[] = [];
  for (let entry = index.heads[hash & index.mask] as number; entry !== 0; entry = index.next[entry] as number) {
    if (index.hashes[entry] !== hash) continue;
    const id = index.ids[entry] as number;
    if (isCandidate(id)) found.push(id);
  }
  return found;
}

/** All types that pass a test, in ascending order. */
export function scanAll(btf: Btf, isCandidate: (id: number) => boolean): number[] {
  const found: number[] = [];
  for (let id = 1; id < typeCount(btf); id++) if (isCandidate(id)) found.push(id);
  return found;
}
