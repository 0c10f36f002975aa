import { FormatError } from "../btf/error.ts";
import { looksLikeBtf } from "../btf/header.ts";
import { type Elf, findSection, openElf } from "./elf.ts";
import { looksLikeElf } from "./reader.ts";
import { sectionBytes } from "./section-bytes.ts";

/** The BTF sections of an ELF file; each absent when the file lacks it or has it empty. Views, no copies. */
export interface BtfSections {
  /** `.BTF`: types and strings. Split BTF in a kernel module. */
  readonly btf?: Uint8Array;
  /** `.BTF.base`: a module's distilled base (Linux 6.11 and later), see relocateDistilled. */
  readonly btfBase?: Uint8Array;
  /** `.BTF.ext`: functions, lines and CO-RE relocations of a BPF object. */
  readonly btfExt?: Uint8Array;
}

/** The BTF sections of an opened ELF file. */
export function btfSectionsOf(elf: Elf): BtfSections {
  const btf = contents(elf, ".BTF");
  const btfBase = contents(elf, ".BTF.base");
  const btfExt = contents(elf, ".BTF.ext");
  return {
    ...(btf === undefined ? {} : { btf }),
    ...(btfBase === undefined ? {} : { btfBase }),
    ...(btfExt === undefined ? {} : { btfExt }),
  };
}

/**
 * The BTF sections of an ELF file: vmlinux, a module, a BPF object.
 * @throws FormatError (not-elf, bad-elf, truncated).
 */
export function readBtfSections(bytes: Uint8Array, source = "ELF"): BtfSections {
  return btfSectionsOf(openElf(bytes, source));
}

/**
 * The BTF in a file that is raw BTF or an ELF file with a `.BTF` section.
 * @throws FormatError missing-btf for an ELF file without one, not-elf for a file that is neither.
 */
export function btfBytes(bytes: Uint8Array, source = "BTF"): Uint8Array {
  if (looksLikeBtf(bytes)) return bytes;
  if (!looksLikeElf(bytes)) {
    throw new FormatError("not-elf", "neither BTF (magic 0xeb9f) nor an ELF file that could hold a .BTF section", {
      source,
      offset: 0,
    });
  }
  const { btf } = readBtfSections(bytes, source);
  if (btf !== undefined) return btf;
  const hint = "no .BTF section: was the kernel built with CONFIG_DEBUG_INFO_BTF? Pass a file that has one, or raw BTF";
  throw new FormatError("missing-btf", hint, { source });
}

function contents(elf: Elf, name: string): Uint8Array | undefined {
  const section = findSection(elf, name);
  if (section === undefined) return undefined;
  const bytes = sectionBytes(elf, section);
  return bytes.length === 0 ? undefined : bytes;
}
