import type { Elf } from "../../lib/elf/elf.ts";
import { findSection } from "../../lib/elf/elf.ts";
import { ET_REL } from "../../lib/elf/format.ts";
import { sectionBytes } from "../../lib/elf/section-bytes.ts";

const SUFFIX = /\.ko(\.(xz|zst|gz))?$/;
const BTF_SUFFIX = /\.btf(\.(xz|zst|gz))?$/;

/** True for a member's or a file's name that is a module's. */
export function isModuleName(name: string): boolean {
  return SUFFIX.test(name);
}

/** What a kernel module says of itself in `.modinfo`. */
export interface ModuleInfo {
  readonly name: string;
  /** The kernel's release, from `vermagic`; null where there is none. */
  readonly release: string | null;
}

/** A kernel module's own data, or null for an ELF file that is none. */
export function moduleInfo(elf: Elf, origin: string): ModuleInfo | null {
  const section = elf.type === ET_REL ? findSection(elf, ".modinfo") : undefined;
  if (section === undefined) return null;
  const entries = Buffer.from(sectionBytes(elf, section)).toString("latin1").split("\0");
  const value = (key: string) => entries.find((entry) => entry.startsWith(`${key}=`))?.slice(key.length + 1);
  const release = value("vermagic")?.split(" ", 1)[0];
  return { name: value("name") ?? moduleNameOf(origin), release: release ?? null };
}

/** A module's name by its file's. */
export function moduleNameOf(origin: string): string {
  const file = origin.slice(Math.max(origin.lastIndexOf("/"), origin.lastIndexOf("!")) + 1);
  return file.replace(SUFFIX, "").replace(BTF_SUFFIX, "").replaceAll("-", "_");
}
