import {
  INFO_KIND_SHIFT,
  INFO_WORD,
  KIND_VAR,
  SECINFO_OFFSET_WORD,
  SECINFO_SIZE_WORD,
  SECINFO_TYPE_WORD,
  SECINFO_WORDS,
  TYPE_WORDS,
  VAR_LINKAGE_WORD,
} from "../btf/format.ts";
import { stringAt } from "../btf/strings.ts";
import { type Btf, type BtfSegment, recordOf, typeCount, vlenOf } from "../btf/view.ts";

/** Linkage of a VAR or FUNC (linux/btf.h). */
export const LINKAGE_STATIC = 0;
export const LINKAGE_GLOBAL = 1;
export const LINKAGE_EXTERN = 2;

/** Bits of `info` that a FUNC's linkage is in. */
const LINKAGE_MASK = 0xffff;

/** A variable of a DATASEC. Offset and size are bytes. */
export interface SectionVariable {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}

/** A copy whose words may be written to. Only for BTF without modules. */
export function editableBtf(btf: Btf): Btf {
  return { ...btf, words: btf.words.slice() };
}

/** Linkage of a VAR. */
export function variableLinkage(btf: Btf, id: number): number {
  return btf.words[recordOf(btf, id) + VAR_LINKAGE_WORD] as number;
}

/** Writes a VAR's linkage. */
export function setVariableLinkage(btf: Btf, id: number, linkage: number): void {
  btf.words[recordOf(btf, id) + VAR_LINKAGE_WORD] = linkage;
}

/** Writes a FUNC's linkage, which is where others have their number of members. */
export function setFunctionLinkage(btf: Btf, id: number, linkage: number): void {
  const at = recordOf(btf, id) + INFO_WORD;
  btf.words[at] = (((btf.words[at] as number) & ~LINKAGE_MASK) | linkage) >>> 0;
}

/** The variables of a DATASEC, in its order. */
export function sectionVariables(btf: Btf, id: number): SectionVariable[] {
  const first = recordOf(btf, id) + TYPE_WORDS;
  return Array.from({ length: vlenOf(btf, id) }, (_, i) => {
    const at = first + i * SECINFO_WORDS;
    return {
      type: btf.words[at + SECINFO_TYPE_WORD] as number,
      offset: btf.words[at + SECINFO_OFFSET_WORD] as number,
      size: btf.words[at + SECINFO_SIZE_WORD] as number,
    };
  });
}

/** Writes all variables of a DATASEC: as many as it has. */
export function setSectionVariables(btf: Btf, id: number, variables: readonly SectionVariable[]): void {
  const first = recordOf(btf, id) + TYPE_WORDS;
  variables.forEach(({ type, offset, size }, i) => {
    const at = first + i * SECINFO_WORDS;
    btf.words[at + SECINFO_TYPE_WORD] = type;
    btf.words[at + SECINFO_OFFSET_WORD] = offset;
    btf.words[at + SECINFO_SIZE_WORD] = size;
  });
}

/** A BTF with one more VAR behind the last type, and that type's id. The words are new. */
export function appendVariable(btf: Btf, name: string, linkage: number, type: number): { btf: Btf; id: number } {
  const { btf: named, offset } = appendString(btf, name);
  return appendType(named, [offset, (KIND_VAR << INFO_KIND_SHIFT) >>> 0, type, linkage]);
}

/** A BTF with one more type, given as its words. */
export function appendType(btf: Btf, record: readonly number[]): { btf: Btf; id: number } {
  const id = typeCount(btf);
  const end = btf.offsets[id] as number;
  const words = new Uint32Array(end + record.length);
  words.set(btf.words.subarray(0, end));
  words.set(record, end);
  const offsets = new Uint32Array(btf.offsets.length + 1);
  offsets.set(btf.offsets);
  offsets[id + 1] = words.length;
  return { btf: { ...btf, words, offsets, segments: grown(btf, { endId: id + 1 }) }, id };
}

/** A BTF whose strings have this one, and where: a whole string that is there is used again, as libbpf does. */
export function appendString(btf: Btf, text: string): { btf: Btf; offset: number } {
  for (let at = 0; at < btf.strings.length; ) {
    const found = stringAt(btf.strings, at);
    if (found === text) return { btf, offset: at };
    const end = btf.strings.indexOf(0, at);
    if (end === -1) break;
    at = end + 1;
  }
  const added = new TextEncoder().encode(`${text}\0`);
  const strings = new Uint8Array(btf.strings.length + added.length);
  strings.set(btf.strings);
  strings.set(added, btf.strings.length);
  return {
    btf: { ...btf, strings, segments: grown(btf, { stringEnd: strings.length }) },
    offset: btf.strings.length,
  };
}

function grown(btf: Btf, change: Partial<BtfSegment>): BtfSegment[] {
  return btf.segments.map((segment, i) => (i === btf.segments.length - 1 ? { ...segment, ...change } : segment));
}
