import {
  INFO_KIND_MASK,
  INFO_KIND_SHIFT,
  INFO_WORD,
  KIND_DATASEC,
  KIND_FUNC,
  KIND_FUNC_PROTO,
  KIND_LIMIT,
  KIND_PTR,
  KIND_VAR,
  NAME_WORD,
} from "../btf/format.ts";
import { equalBytes, essentialLength } from "../btf/strings.ts";
import { type Btf, type BtfSegment, kindOf, nameOffsetOf, typeCount } from "../btf/view.ts";
import { sameKind } from "./match-field.ts";

const UNDERSCORE = 0x5f;
/** FNV-1a, 32 bits. */
const HASH_SEED = 0x811c9dc5;
const HASH_PRIME = 0x01000193;
/** More than the long prefixes that thousands of a kernel's names share ("trace_event_raw_" and a word). */
const HASHED_BYTES = 24;

/**
 * Kinds that are left out of the index and searched for one by one when a relocation asks for them, which no compiler
 * makes it do: functions are half the types of a kernel and would make the index twice as dear.
 */
const UNINDEXED = new Set([KIND_PTR, KIND_FUNC, KIND_FUNC_PROTO, KIND_VAR, KIND_DATASEC]);

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
}

/**
 * Indexes the types that a relocation's root may name. 2 ms for the 22,000 of a 6.1 kernel (Node 20, warm), after
 * which a lookup is free; bpftool and libbpf go through all types for each root type of each object.
 */
export function indexCandidates(btf: Btf): CandidateIndex {
  const { words, offsets, strings } = btf;
  const indexed = new Uint8Array(KIND_LIMIT).fill(1);
  for (const kind of UNINDEXED) indexed[kind] = 0;
  const count = typeCount(btf);
  // Room for all; half of it stays untouched and so costs nothing.
  const ids = new Uint32Array(count + 1);
  const hashes = new Int32Array(count + 1);
  let entries = 1;
  for (let id = 1; id < count; id++) {
    const at = offsets[id] as number;
    const kind = ((words[at + INFO_WORD] as number) >>> INFO_KIND_SHIFT) & INFO_KIND_MASK;
    if (indexed[kind] === 0) continue;
    const name = words[at + NAME_WORD] as number;
    if (strings[name] === 0) continue;
    ids[entries] = id;
    hashes[entries++] = hashEssential(strings, name);
  }
  const mask = (1 << Math.max(4, 32 - Math.clz32(entries))) - 1;
  const heads = new Uint32Array(mask + 1);
  const next = new Uint32Array(entries);
  // From the last to the first, so that chains run in ascending order: the order in which libbpf finds candidates.
  for (let entry = entries - 1; entry > 0; entry--) {
    const bucket = (hashes[entry] as number) & mask;
    next[entry] = heads[bucket] as number;
    heads[bucket] = entry;
  }
  return { btf, mask, heads, next, ids, hashes };
}

/**
 * Hash of a name without its flavour: of its first HASHED_BYTES. A flavour that begins behind those changes nothing;
 * only names with `___` inside them are looked at again.
 */
function hashEssential(strings: Uint8Array, offset: number): number {
  let hash = HASH_SEED;
  for (let at = offset; at < offset + HASHED_BYTES; at++) {
    const byte = strings[at] as number;
    if (byte === 0) break;
    if (byte === UNDERSCORE && strings[at + 1] === UNDERSCORE && strings[at + 2] === UNDERSCORE) {
      return hashBytes(strings, offset, essentialLength(strings, offset));
    }
    hash = Math.imul(hash ^ byte, HASH_PRIME);
  }
  return hash;
}

function hashBytes(strings: Uint8Array, offset: number, length: number): number {
  const end = offset + Math.min(length, HASHED_BYTES);
  let hash = HASH_SEED;
  for (let at = offset; at < end; at++) hash = Math.imul(hash ^ (strings[at] as number), HASH_PRIME);
  return hash;
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

function lookUp(index: CandidateIndex, hash: number, isCandidate: (id: number) => boolean): number[] {
  const found: number[] = [];
  for (let entry = index.heads[hash & index.mask] as number; entry !== 0; entry = index.next[entry] as number) {
    if (index.hashes[entry] !== hash) continue;
    const id = index.ids[entry] as number;
    if (isCandidate(id)) found.push(id);
  }
  return found;
}

function scanAll(btf: Btf, isCandidate: (id: number) => boolean): number[] {
  const found: number[] = [];
  for (let id = 1; id < typeCount(btf); id++) if (isCandidate(id)) found.push(id);
  return found;
}
