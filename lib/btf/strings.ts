import { FormatError } from "./error.ts";
import { type Btf, nameOffsetOf } from "./view.ts";

const DECODER = new TextDecoder();
const UNDERSCORE = 0x5f;

/** The string at an offset, decoded; for output only, comparisons are made on bytes. */
export function stringAt(strings: Uint8Array, offset: number): string {
  return DECODER.decode(strings.subarray(offset, stringEnd(strings, offset)));
}

/** Offset of the NUL that ends the string at `offset`. */
export function stringEnd(strings: Uint8Array, offset: number): number {
  const end = strings.indexOf(0, offset);
  return end === -1 ? strings.length : end;
}

/** A type's name, decoded; empty when it has none. */
export function nameOf(btf: Btf, id: number): string {
  return stringAt(btf.strings, nameOffsetOf(btf, id));
}

/** True when two NUL-terminated strings are the same, byte for byte. */
export function equalStrings(a: Uint8Array, atA: number, b: Uint8Array, atB: number): boolean {
  let i = atA;
  let j = atB;
  for (;;) {
    const byte = a[i++] ?? 0;
    if (byte !== (b[j++] ?? 0)) return false;
    if (byte === 0) return true;
  }
}

/** True when the `length` bytes at two offsets are the same. */
export function equalBytes(a: Uint8Array, atA: number, b: Uint8Array, atB: number, length: number): boolean {
  for (let i = 0; i < length; i++) {
    if (a[atA + i] !== b[atB + i]) return false;
  }
  return true;
}

/**
 * The longest name whose flavour is looked for. The kernel takes 512 bytes; a hundred thousand types that share one
 * name of a megabyte would take minutes.
 */
const MAX_NAME_BYTES = 16_384;

/**
 * Bytes of the essential name: the name up to its last `___` that has a character other than `_` on both sides (the
 * rest is a flavour); the whole name without one. Source: libbpf.c, bpf_core_essential_name_len.
 * @throws FormatError for a name that no compiler writes, of more than 16 KiB.
 */
export function essentialLength(strings: Uint8Array, offset: number): number {
  const end = comparedEnd(strings, offset);
  for (let i = end - 5; i >= offset; i--) {
    if (
      strings[i] !== UNDERSCORE &&
      strings[i + 1] === UNDERSCORE &&
      strings[i + 2] === UNDERSCORE &&
      strings[i + 3] === UNDERSCORE &&
      strings[i + 4] !== UNDERSCORE
    ) {
      return i + 1 - offset;
    }
  }
  return end - offset;
}

/**
 * The same as cilium/ebpf counts it: up to the last `___` that is not at the very beginning, whatever stands beside it
 * (btf/types.go, newEssentialName). Longer by an underscore where there are four, shorter where a name ends in three.
 * @throws FormatError as essentialLength does.
 */
export function flavourlessLength(strings: Uint8Array, offset: number): number {
  const end = comparedEnd(strings, offset);
  for (let i = end - 3; i > offset; i--) {
    if (strings[i] === UNDERSCORE && strings[i + 1] === UNDERSCORE && strings[i + 2] === UNDERSCORE) return i - offset;
  }
  return end - offset;
}

/** Offset of the NUL that ends a name. @throws FormatError for a name that is too long to be compared. */
function comparedEnd(strings: Uint8Array, offset: number): number {
  const end = stringEnd(strings, offset);
  if (end - offset > MAX_NAME_BYTES) {
    const hint = `a name of ${end - offset} bytes, at most ${MAX_NAME_BYTES} are compared`;
    throw new FormatError("too-large", hint, { section: "BTF strings", offset });
  }
  return end;
}

/** True when two names are the same without their flavours. */
export function equalEssentialNames(a: Uint8Array, atA: number, b: Uint8Array, atB: number): boolean {
  return hasEssentialName(a, atA, essentialLength(a, atA), b, atB);
}

/** The same where the first name's essential length is known. Most names differ in their first bytes. */
export function hasEssentialName(a: Uint8Array, atA: number, lengthOfA: number, b: Uint8Array, atB: number): boolean {
  return equalBytes(a, atA, b, atB, lengthOfA) && essentialLength(b, atB) === lengthOfA;
}

/** The ways of writing `long` that libbpf's determine_ptr_size accepts (btf.c). */
const LONG_NAMES = new Set([
  "long",
  "long int",
  "int long",
  "unsigned long",
  "long unsigned",
  "unsigned long int",
  "unsigned int long",
  "long unsigned int",
  "long int unsigned",
  "int unsigned long",
  "int long unsigned",
]);

const LONGEST_LONG_NAME = 17;

/**
 * True when the name at an offset is a spelling of `long`, whose size is that of a pointer. Looks at no more bytes than
 * it must: corrupt input may have a hundred thousand INTs with one name of a megabyte.
 */
export function isLongName(strings: Uint8Array, offset: number): boolean {
  const start = strings.subarray(offset, offset + LONGEST_LONG_NAME + 1);
  return start.includes(0) && LONG_NAMES.has(stringAt(start, 0));
}
