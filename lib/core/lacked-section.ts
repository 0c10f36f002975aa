import type { Btf } from "../btf/view.ts";
import { btfSectionsOf } from "../elf/btf-section.ts";
import { type BpfObject, isCode } from "./object.ts";

/** A section without which an object's CO-RE relocations are not there for a loader. */
export type LackedSection = ".BTF" | ".BTF.ext";

/**
 * What an object lacks that may have had CO-RE relocations; null where it says itself that it has none. Compilers write
 * both sections for code with relocations, and all but GCC (-mno-co-re) for code without. @throws FormatError for a
 * section beyond the file's end.
 */
export function lackedSection({ elf, btf }: BpfObject): LackedSection | null {
  if (!elf.sections.some((section) => isCode(section) && section.size > 0)) return null;
  if (btf === null) return ".BTF";
  return btfSectionsOf(elf).btfExt === undefined && hasAccessString(btf) ? ".BTF.ext" : null;
}

/** What relocations say of a field or type, `0:1:2`: such strings are in `.BTF`, and stay when `.BTF.ext` is stripped. */
function hasAccessString({ strings }: Btf): boolean {
  const all = new TextDecoder("latin1").decode(strings).split("\0");
  return all.some((text) => /^\d+(:\d+)*$/.test(text));
}
