import { KIND_DATASEC, MEMBER_OFFSET_WORD, SIZE_OR_TYPE_WORD, TYPE_WORDS } from "../lib/btf/format.ts";
import {
  elementBytes,
  elementsEnd,
  elementWords,
  firstElement,
  fixedWords,
  hasElementNames,
  hasElementTypes,
  typeIdWords,
} from "./elements.ts";
import { get } from "./memory.ts";
import { attachedTo } from "./shape-of.ts";
import { infoOf, kindOf, recordOf, Side, sizeOrType } from "./side.ts";

/**
 * True when two types of one name say the same, read side by side: the sequences of pushShape would be equal. False
 * where they may differ: also for an ENUM and an ENUM64, bitfields in two forms, and what tags or sections say
 * something of, which only the sequences tell. Most types of two kernels are the same, and this is four times as fast.
 */
export function isSameRecord(old: Side, a: i32, next: Side, b: i32): bool {
  const one = recordOf(old, a);
  const other = recordOf(next, b);
  const info = infoOf(one);
  if (info !== infoOf(other)) return false;
  if (attachedTo(old, a) !== 0 || attachedTo(next, b) !== 0) return false;
  const kind = kindOf(info);
  if (((typeIdWords(kind) >>> SIZE_OR_TYPE_WORD) & 1) === 1) {
    if (get(old.references, sizeOrType(one)) !== get(next.references, sizeOrType(other))) return false;
  } else if (sizeOrType(one) !== sizeOrType(other)) return false;
  // A section's variables say where they lie themselves.
  if (kind === KIND_DATASEC) return true;
  // No named kind has a type id behind the third word of its fixed part.
  for (let word = TYPE_WORDS; word < fixedWords(kind); word++) {
    if (get(one, word) !== get(other, word)) return false;
  }
  const step = elementBytes(kind);
  if (step === 0) return true;
  if (!hasElementNames(kind)) return false;
  const hasTypes = hasElementTypes(kind);
  const hasThird = elementWords(kind) > MEMBER_OFFSET_WORD;
  const end = elementsEnd(one, kind);
  let i = firstElement(one, kind);
  let j = firstElement(other, kind);
  while (i < end) {
    if (get(i, 0) !== get(j, 0)) return false;
    if (hasTypes) {
      if (get(old.references, get(i, 1)) !== get(next.references, get(j, 1))) return false;
    } else if (get(i, 1) !== get(j, 1)) return false;
    if (hasThird && get(i, 2) !== get(j, 2)) return false;
    i += step;
    j += step;
  }
  return true;
}
