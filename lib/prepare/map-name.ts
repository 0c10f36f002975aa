import { ownName } from "../elf/object-name.ts";

/** Bytes of a name that the kernel keeps of maps and programs, without the NUL (BPF_OBJ_NAME_LEN - 1). */
const NAME_BYTES = 15;
/** Room kept for a section's name at least: that of `.rodata`. */
const SUFFIX_BYTES = 7;

/**
 * What libbpf calls an object that it opens from a file: the file's name up to its first dot, 15 characters at most. Of one
 * embedded in a program it is what skeletons are called by default, the object's own name.
 */
export function objectName(source: string): string {
  const base = ownName(source).slice(0, NAME_BYTES);
  const dot = base.indexOf(".");
  return dot === -1 ? base : base.slice(0, dot);
}

/**
 * What libbpf calls the map of a data section (libbpf.c, internal_map_name): as much of the object's name as leaves room
 * for seven characters of section name, or for all of a longer one; nothing of it for `.data.mine`. Characters that a
 * kernel does not take become `_`.
 */
export function dataMapName(object: string, section: string): string {
  const suffix = Math.min(Math.max(SUFFIX_BYTES, section.length), NAME_BYTES);
  const isCustom = section.slice(1).includes(".");
  const prefix = isCustom ? "" : object.slice(0, NAME_BYTES - suffix);
  return `${prefix}${section.slice(0, suffix)}`.slice(0, NAME_BYTES).replaceAll(/[^A-Za-z0-9_.]/g, "_");
}

/** A name as the kernel gets it: cut to 15 characters. */
export function kernelName(name: string): string {
  return name.slice(0, NAME_BYTES);
}
