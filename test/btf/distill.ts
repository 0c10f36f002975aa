/** Splits a module's BTF on a distilled base, as pahole does for modules built outside the kernel's tree. */
import { assembleBtf } from "../../lib/btf/encode.ts";
import { KIND_ENUM, KIND_ENUM64, KIND_FLOAT, KIND_FWD, KIND_INT } from "../../lib/btf/format.ts";
import {
  ELEMENT_NAME_WORDS,
  ELEMENT_TYPE_ID_WORDS,
  ELEMENT_WORDS,
  FIXED_WORDS,
  TYPE_ID_WORDS,
} from "../../lib/btf/kind-table.ts";
import { stringAt } from "../../lib/btf/strings.ts";
import { type Btf, isComposite, kindOf, nameOffsetOf, recordOf, sizeOf, typeCount } from "../../lib/btf/view.ts";
import { info } from "./records.ts";

/** The word positions of a record that hold type ids, and those that hold names, from its start. */
export function referencesOf(btf: Btf, id: number): { readonly ids: number[]; readonly names: number[] } {
  const kind = kindOf(btf, id);
  const length = (btf.offsets[id + 1] ?? 0) - recordOf(btf, id);
  const fixed = FIXED_WORDS[kind] ?? 0;
  const perElement = ELEMENT_WORDS[kind] ?? 0;
  const ids: number[] = [];
  const names = [0];
  for (let word = 0; word < length; word++) {
    const inFixed = word < fixed;
    const position = inFixed ? word : (word - fixed) % perElement;
    const idBits = (inFixed ? TYPE_ID_WORDS[kind] : ELEMENT_TYPE_ID_WORDS[kind]) ?? 0;
    const nameBits = inFixed ? 0 : (ELEMENT_NAME_WORDS[kind] ?? 0);
    if (((idBits >>> position) & 1) === 1) ids.push(word);
    if (((nameBits >>> position) & 1) === 1) names.push(word);
  }
  return { ids, names };
}

/** The words of one record, a copy. */
export function recordWords(btf: Btf, id: number): Uint32Array {
  return btf.words.slice(recordOf(btf, id), btf.offsets[id + 1]);
}

/** True for a type that a distilled base keeps: named, and of a kind that has a size or is a forward declaration. */
export function isDistilled(btf: Btf, id: number): boolean {
  const kind = kindOf(btf, id);
  const kinds = [KIND_INT, KIND_FLOAT, KIND_FWD, KIND_ENUM, KIND_ENUM64];
  return nameOffsetOf(btf, id) !== 0 && (kinds.includes(kind) || isComposite(kind));
}

/** The module behind a base (one module in the view), as a distilled base and split BTF on that. */
export function distill(view: Btf): { readonly base: Uint8Array; readonly split: Uint8Array } {
  const start = view.segments[1]?.startId ?? 0;
  const littleEndian = view.segments[0]?.header.littleEndian ?? true;
  const used = usedBaseTypes(view, start);
  const kept = used.filter((id) => isDistilled(view, id));
  const copied = used.filter((id) => !isDistilled(view, id));
  const newIds = new Map<number, number>([[0, 0]]);
  for (const id of kept) newIds.set(id, newIds.size);
  for (let id = start; id < typeCount(view); id++) newIds.set(id, newIds.size);
  for (const id of copied) newIds.set(id, newIds.size);

  const text = { offsets: new Map<string, number>([["", 0]]), parts: [new Uint8Array(1)], length: 1 };
  const nameAt = (offset: number): number => {
    const name = stringAt(view.strings, offset);
    let at = text.offsets.get(name);
    if (at === undefined) {
      at = text.length;
      text.offsets.set(name, at);
      const part = Buffer.from(`${name}\0`);
      text.parts.push(part);
      text.length += part.length;
    }
    return at;
  };
  const baseWords = kept.flatMap((id) => {
    const kind = kindOf(view, id);
    const name = nameAt(nameOffsetOf(view, id));
    if (isComposite(kind)) return [name, info(kind), sizeOf(view, id)];
    if (kind === KIND_ENUM || kind === KIND_ENUM64) return [name, info(KIND_ENUM), sizeOf(view, id)];
    return [name, ...recordWords(view, id).subarray(1)];
  });
  const baseStrings = Buffer.concat(text.parts);
  text.parts = [];
  const own = Array.from({ length: typeCount(view) - start }, (_, i) => start + i);
  const splitWords = [...own, ...copied].flatMap((id) => {
    const words = recordWords(view, id);
    const { ids, names } = referencesOf(view, id);
    for (const at of ids) words[at] = newIds.get(words[at] ?? 0) ?? 0;
    for (const at of names) words[at] = nameAt(words[at] ?? 0);
    return [...words];
  });
  const encode = (words: number[], strings: Uint8Array) =>
    assembleBtf({ words: Uint32Array.from(words), strings, littleEndian });
  return { base: encode(baseWords, baseStrings), split: encode(splitWords, Buffer.concat(text.parts)) };
}

/** Base types the module needs, in order; a named struct or union is needed without its members. */
function usedBaseTypes(view: Btf, start: number): number[] {
  const used = new Set<number>();
  const work = Array.from({ length: typeCount(view) - start }, (_, i) => start + i);
  for (let id = work.pop(); id !== undefined; id = work.pop()) {
    if (id < start && isDistilled(view, id)) continue;
    const words = recordWords(view, id);
    for (const at of referencesOf(view, id).ids) {
      const next = words[at] ?? 0;
      if (next === 0 || next >= start || used.has(next)) continue;
      used.add(next);
      work.push(next);
    }
  }
  return [...used].sort((a, b) => a - b);
}
