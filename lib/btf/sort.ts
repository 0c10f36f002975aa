import { type EncodeOptions, encodeBtf } from "./encode.ts";
import { FormatError } from "./error.ts";
import { KIND_MAX, TYPE_WORDS } from "./format.ts";
import { mapReferences } from "./shift.ts";
import { type Btf, type BtfSegment, kindOf, nameOffsetOf } from "./view.ts";

/**
 * The same BTF with one segment's types in another order, every reference renumbered, also those of other segments.
 * `order` lists the segment's ids, each once: the first becomes its first type, and so on. (What libbpf's btf__permute
 * does in place, which takes the inverse: the new id of each old one.)
 * @throws RangeError when `order` is no permutation of the segment's ids.
 * @throws FormatError when a type's kind is unknown: where it refers to others is not known then.
 */
export function permuteView(btf: Btf, order: ArrayLike<number>, segmentIndex = 0): Btf {
  const segment = segmentAt(btf, segmentIndex);
  const newIds = newIdsOf(btf, segment, order);
  refuseUnknownKinds(btf);
  const words = btf.words.slice();
  const offsets = btf.offsets.slice();
  let at = btf.offsets[segment.startId] as number;
  for (let i = 0; i < order.length; i++) {
    const old = order[i] as number;
    const from = btf.offsets[old] as number;
    const to = btf.offsets[old + 1] as number;
    words.set(btf.words.subarray(from, to), at);
    offsets[segment.startId + i] = at;
    at += to - from;
  }
  mapReferences(
    words,
    offsets,
    1,
    offsets.length - 1,
    (id) => newIds[id] as number,
    (name) => name,
  );
  const roots = btf.roots.map((id) => newIds[id] as number).sort((a, b) => a - b);
  return { ...btf, words, offsets, roots };
}

/**
 * permuteView's result as bytes; `options` as encodeBtf's, `options.segment` says which segment to reorder and write.
 * @throws RangeError and FormatError as permuteView.
 */
export function permuteTypes(btf: Btf, order: ArrayLike<number>, options: EncodeOptions = {}): Uint8Array {
  return encodeBtf(permuteView(btf, order, options.segment ?? 0), options);
}

/**
 * The order in which kernels since Linux 7.1 have their types, and which lets libbpf search names by halving (btf.c,
 * btf_check_sorted): ascending by the bytes of the name, so anonymous types first. Types of one name keep their order.
 */
export function orderByName(btf: Btf, segmentIndex = 0): Uint32Array {
  const { startId, endId } = segmentAt(btf, segmentIndex);
  const order = Uint32Array.from({ length: endId - startId }, (_, i) => startId + i);
  return order.sort((a, b) => compareNames(btf, a, b) || a - b);
}

/** permuteTypes by orderByName. */
export function sortTypesByName(btf: Btf, options: EncodeOptions = {}): Uint8Array {
  return permuteTypes(btf, orderByName(btf, options.segment ?? 0), options);
}

/** True when libbpf takes a segment's types for sorted: no name is less than the one before it. */
export function isSortedByName(btf: Btf, segmentIndex = 0): boolean {
  const { startId, endId } = segmentAt(btf, segmentIndex);
  for (let id = startId + 1; id < endId; id++) {
    if (compareNames(btf, id - 1, id) > 0) return false;
  }
  return true;
}

function compareNames(btf: Btf, a: number, b: number): number {
  const { strings } = btf;
  let i = nameOffsetOf(btf, a);
  let j = nameOffsetOf(btf, b);
  if (i === j) return 0;
  for (;;) {
    const byteA = strings[i++] ?? 0;
    const byteB = strings[j++] ?? 0;
    if (byteA !== byteB) return byteA - byteB;
    if (byteA === 0) return 0;
  }
}

function segmentAt(btf: Btf, index: number): BtfSegment {
  const segment = btf.segments[index];
  if (segment === undefined) throw new RangeError(`no segment ${index}`);
  return segment;
}

/** The new id of every type of the view, by old id. */
function newIdsOf(btf: Btf, { startId, endId }: BtfSegment, order: ArrayLike<number>): Uint32Array {
  if (order.length !== endId - startId) {
    throw new RangeError(`an order of ${order.length} ids for ${endId - startId} types`);
  }
  const newIds = Uint32Array.from({ length: btf.offsets.length }, (_, id) => id);
  const seen = new Uint8Array(btf.offsets.length);
  for (let i = 0; i < order.length; i++) {
    const old = order[i] as number;
    if (!(old >= startId && old < endId) || seen[old] !== 0) {
      throw new RangeError(`order[${i}] is ${old}: each id from ${startId} to ${endId - 1} must be there once`);
    }
    seen[old] = 1;
    newIds[old] = startId + i;
  }
  return newIds;
}

function refuseUnknownKinds(btf: Btf): void {
  for (let id = 1; id < btf.offsets.length - 1; id++) {
    const kind = kindOf(btf, id);
    if (kind <= KIND_MAX) continue;
    const offset = ((btf.offsets[id] as number) - TYPE_WORDS) * 4;
    const place = { source: btf.source, section: "BTF types", offset, typeId: id };
    throw new FormatError("unknown-kind", `kind ${kind} may refer to other types, which cannot be renumbered`, place);
  }
}
