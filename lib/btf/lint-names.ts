/**
 * What the kernel takes for a name (kernel/bpf/btf.c: btf_name_valid_identifier, btf_name_valid_section), by its own
 * ctype table, which is Latin-1: bytes 0xc0 and up are letters but for the two signs among them.
 */

/** Bytes of the longest name, without its NUL (KSYM_NAME_LEN; 128 before Linux 6.1). */
export const MAX_NAME_BYTES = 512;

const CAN_START = 1;
const CAN_FOLLOW = 2;
const PRINTABLE = 4;

const BYTE_CLASS: Uint8Array = classes();

function classes(): Uint8Array {
  const table = new Uint8Array(256);
  const mark = (from: number, to: number, bits: number): void => {
    for (let byte = from; byte <= to; byte++) table[byte] = (table[byte] as number) | bits;
  };
  const code = (character: string): number => character.charCodeAt(0);
  mark(0x20, 0x7e, PRINTABLE);
  mark(0xa0, 0xff, PRINTABLE);
  mark(code("A"), code("Z"), CAN_START | CAN_FOLLOW);
  mark(code("a"), code("z"), CAN_START | CAN_FOLLOW);
  mark(code("0"), code("9"), CAN_FOLLOW);
  for (const character of "_.") mark(code(character), code(character), CAN_START | CAN_FOLLOW);
  mark(0xc0, 0xff, CAN_START | CAN_FOLLOW);
  for (const sign of [0xd7, 0xf7]) table[sign] = PRINTABLE;
  return table;
}

/** What is known of an offset: an identifier starts there, or another name does. 0: no name has been met there. */
export const AN_IDENTIFIER = 1;
const ANOTHER_NAME = 2;

/** Remembers which offsets hold identifiers: a kernel's names are referred to five times each on average. */
export interface NameChecker {
  readonly strings: Uint8Array;
  /** By offset; not 0 where some record has its name, so that unused strings show. */
  readonly known: Uint8Array;
}

/** A checker over a string section (base and own strings behind each other). */
export function nameChecker(strings: Uint8Array): NameChecker {
  return { strings, known: new Uint8Array(strings.length) };
}

/** True when an identifier starts at `offset`, which must lie inside the strings. */
export function isIdentifier(names: NameChecker, offset: number): boolean {
  const known = names.known[offset] as number;
  if (known !== 0) return known === AN_IDENTIFIER;
  const found = matches(names.strings, offset, CAN_START, CAN_FOLLOW);
  names.known[offset] = found ? AN_IDENTIFIER : ANOTHER_NAME;
  return found;
}

/** Notes that some record has the name at `offset`, whatever that is. */
export function noteName(names: NameChecker, offset: number): void {
  if (names.known[offset] === 0) isIdentifier(names, offset);
}

/** True when a section's name starts at `offset`: one printable byte or more. */
export function isSectionName(names: NameChecker, offset: number): boolean {
  return matches(names.strings, offset, PRINTABLE, PRINTABLE);
}

function matches(strings: Uint8Array, offset: number, first: number, rest: number): boolean {
  let wanted = first;
  for (let at = offset; at <= offset + MAX_NAME_BYTES; at++) {
    const byte = strings[at] ?? 0;
    if (byte === 0) return at !== offset;
    if (((BYTE_CLASS[byte] as number) & wanted) === 0) return false;
    wanted = rest;
  }
  return false;
}
