import {
  ELEMENT_NAME_WORDS,
  ELEMENT_TYPE_ID_WORDS,
  ELEMENT_WORDS,
  FIXED_WORDS,
  INFO_KIND_MASK,
  INFO_KIND_SHIFT,
  INFO_VLEN_MASK,
  INFO_WORD,
  KIND_DATASEC,
  SIZE_OR_TYPE_WORD,
  TYPE_ID_WORDS,
  TYPE_WORDS,
} from "../btf/format.ts";
import type { ShapeSource } from "./shape-of.ts";

/**
 * True when two types of one name say the same, read side by side: the sequences of pushShape would be equal. False
 * where they may differ: also for an ENUM and an ENUM64, bitfields in two forms, and what tags or sections say
 * something of, which only the sequences tell. Most types of two kernels are the same, and this is four times as fast.
 */
export function isSameRecord(old: ShapeSource, a: number, next: ShapeSource, b: number): boolean {
  const [wordsA, wordsB] = [old.btf.words, next.btf.words];
  let i = old.btf.offsets[a] as number;
  let j = next.btf.offsets[b] as number;
  const info = wordsA[i + INFO_WORD] as number;
  if (info !== wordsB[j + INFO_WORD]) return false;
  if (hasAttached(old, a) || hasAttached(next, b)) return false;
  const kind = (info >>> INFO_KIND_SHIFT) & INFO_KIND_MASK;
  const third = SIZE_OR_TYPE_WORD;
  if (((TYPE_ID_WORDS[kind] as number) >>> third) & 1) {
    if (old.references[wordsA[i + third] as number] !== next.references[wordsB[j + third] as number]) return false;
  } else if (wordsA[i + third] !== wordsB[j + third]) return false;
  // A section's variables say where they lie themselves.
  if (kind === KIND_DATASEC) return true;
  // No named kind has a type id behind the third word of its fixed part.
  const fixed = FIXED_WORDS[kind] as number;
  for (let word = TYPE_WORDS; word < fixed; word++) if (wordsA[i + word] !== wordsB[j + word]) return false;
  const step = ELEMENT_WORDS[kind] as number;
  if (step === 0) return true;
  if (ELEMENT_NAME_WORDS[kind] === 0) return false;
  const hasTypes = ELEMENT_TYPE_ID_WORDS[kind] !== 0;
  const end = i + fixed + (info & INFO_VLEN_MASK) * step;
  for (i += fixed, j += fixed; i < end; i += step, j += step) {
    if (old.names[wordsA[i] as number] !== next.names[wordsB[j] as number]) return false;
    const [second, other] = [wordsA[i + 1] as number, wordsB[j + 1] as number];
    if (hasTypes ? old.references[second] !== next.references[other] : second !== other) return false;
    if (step > 2 && wordsA[i + 2] !== wordsB[j + 2]) return false;
  }
  return true;
}

function hasAttached({ attached }: ShapeSource, id: number): boolean {
  const { tags, places } = attached;
  return (tags.size > 0 && tags.has(id)) || (places.size > 0 && places.has(id));
}
