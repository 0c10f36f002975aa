import {
  ELEMENT_TYPE_ID_WORDS,
  ELEMENT_WORDS,
  FIXED_WORDS,
  INFO_KIND_MASK,
  INFO_KIND_SHIFT,
  INFO_VLEN_MASK,
  INFO_WORD,
  KIND_DECL_TAG,
  SECINFO_TYPE_WORD,
  TYPE_ID_WORDS,
} from "../btf/format.ts";
import type { Btf } from "../btf/view.ts";

/** 1 by id for each type that another one refers to; a tag on a type is no use of it. */
export function referencedTypes({ words, offsets }: Btf): Uint8Array {
  const referenced = new Uint8Array(offsets.length);
  for (let id = 1; id < offsets.length - 1; id++) {
    const at = offsets[id] as number;
    const info = words[at + INFO_WORD] as number;
    const kind = (info >>> INFO_KIND_SHIFT) & INFO_KIND_MASK;
    if (kind === KIND_DECL_TAG) continue;
    for (let bits = TYPE_ID_WORDS[kind] as number, word = at; bits !== 0; bits >>>= 1, word++) {
      if ((bits & 1) === 1) referenced[words[word] as number] = 1;
    }
    const elementBits = ELEMENT_TYPE_ID_WORDS[kind] as number;
    if (elementBits === 0) continue;
    const step = ELEMENT_WORDS[kind] as number;
    // One id an element: a section's is its first word, all others' is the second.
    const idWord = elementBits === 1 << SECINFO_TYPE_WORD ? SECINFO_TYPE_WORD : 1;
    const first = at + (FIXED_WORDS[kind] as number);
    const end = first + (info & INFO_VLEN_MASK) * step;
    for (let element = first; element < end; element += step) referenced[words[element + idWord] as number] = 1;
  }
  return referenced;
}
