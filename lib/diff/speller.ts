import { stringAt, stringEnd } from "../btf/strings.ts";
import type { Btf } from "../btf/view.ts";
import { declare, plainSpelling, type Spelling } from "../c/declarator.ts";

/** Turns names and types of one BTF into text, keeping what it made: most types of a kernel are spelled many times. */
export interface Speller {
  readonly btf: Btf;
  /** The string at an offset. */
  readonly nameAt: (offset: number) => string;
  readonly spelling: Spelling;
  /** A type with a name, as C declares it; with the empty name the type alone. */
  readonly declare: (id: number, name: string) => string;
}

/** Texts longer than that are made anew each time; there are few of them. */
const LONGEST_KEPT = 200;
/**
 * Characters of all texts of one diff on one side; a kernel's are ten million at most. A million functions could share
 * one prototype of a thousand parameters: of what comes behind this, only the name is said.
 */
const CHARACTERS = 1 << 26;

/** A speller for one BTF. Strings are decoded all at once, where they are ASCII, which is much faster than each. */
export function newSpeller(btf: Btf): Speller {
  const nameAt = nameReader(btf.strings);
  const plain = plainSpelling(btf);
  const specifiers = new Map<number, string>();
  const types = new Map<number, string>();
  let left = CHARACTERS;
  const specifier = (id: number): string => {
    const known = specifiers.get(id);
    if (known !== undefined) return known;
    const text = plain.specifier(id);
    specifiers.set(id, text);
    return text;
  };
  const spelling: Spelling = { ...plain, specifier, parameter: nameAt };
  const spell = (id: number, name: string): string => {
    const known = name === "" ? types.get(id) : undefined;
    if (known !== undefined) return known;
    if (left < 0) return name === "" ? "..." : `... ${name}`;
    const text = declare(spelling, id, name);
    left -= text.length;
    if (name === "" && text.length <= LONGEST_KEPT) types.set(id, text);
    return text;
  };
  return { btf, nameAt, spelling, declare: spell };
}

/** Slices of one text where every byte is one character of it. */
function nameReader(strings: Uint8Array): (offset: number) => string {
  const text = asciiText(strings);
  if (text === undefined) return (offset) => stringAt(strings, offset);
  return (offset) => (offset === 0 ? "" : text.slice(offset, stringEnd(strings, offset)));
}

function asciiText(strings: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(strings);
    return text.length === strings.length ? text : undefined;
  } catch {
    return undefined;
  }
}
