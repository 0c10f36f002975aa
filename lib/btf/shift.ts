import { INFO_KIND_MASK, INFO_KIND_SHIFT, INFO_WORD, NAME_WORD } from "./format.ts";
import { ELEMENT_NAME_WORDS, ELEMENT_TYPE_ID_WORDS, ELEMENT_WORDS, FIXED_WORDS, TYPE_ID_WORDS } from "./kind-table.ts";
import type { BtfSegment } from "./view.ts";

/** Moves every type id at or above one limit, and every name offset at or above another, by a fixed amount. */
export interface ShiftLimits {
  readonly ids: number;
  readonly strings: number;
}

/**
 * Adds a segment's `idShift` and `stringShift` to the references to its own types and strings, in place.
 * Records of unknown kinds are left as they are: where their ids sit is not known.
 */
export function shiftReferences(
  words: Uint32Array,
  offsets: Uint32Array,
  segment: Pick<BtfSegment, "startId" | "endId" | "idShift" | "stringShift">,
  limits: ShiftLimits,
): void {
  if (segment.idShift === 0 && segment.stringShift === 0) return;
  mapReferences(
    words,
    offsets,
    segment.startId,
    segment.endId,
    (id) => (id >= limits.ids ? id + segment.idShift : id),
    (name) => (name >= limits.strings ? name + segment.stringShift : name),
  );
}

/** Replaces every type id and every name offset of the records `startId` to `endId - 1`, in place. */
export function mapReferences(
  words: Uint32Array,
  offsets: Uint32Array,
  startId: number,
  endId: number,
  mapId: (id: number) => number,
  mapName: (offset: number) => number,
): void {
  for (let id = startId; id < endId; id++) {
    const at = offsets[id] as number;
    const end = offsets[id + 1] as number;
    const kind = ((words[at + INFO_WORD] as number) >>> INFO_KIND_SHIFT) & INFO_KIND_MASK;
    const fixedEnd = at + (FIXED_WORDS[kind] as number);
    words[at + NAME_WORD] = mapName(words[at + NAME_WORD] as number);
    mapBits(words, at, TYPE_ID_WORDS[kind] as number, mapId);
    const perElement = ELEMENT_WORDS[kind] as number;
    if (perElement === 0) continue;
    for (let element = fixedEnd; element < end; element += perElement) {
      mapBits(words, element, ELEMENT_TYPE_ID_WORDS[kind] as number, mapId);
      mapBits(words, element, ELEMENT_NAME_WORDS[kind] as number, mapName);
    }
  }
}

function mapBits(words: Uint32Array, at: number, bits: number, map: (value: number) => number): void {
  for (let word = at, rest = bits; rest !== 0; word++, rest >>>= 1) {
    if ((rest & 1) === 1) words[word] = map(words[word] as number);
  }
}
