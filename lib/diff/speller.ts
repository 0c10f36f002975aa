import { resolveSize } from "../btf/resolve.ts";
import { stringAt } from "../btf/strings.ts";
import type { Btf } from "../btf/view.ts";
import { declare, plainSpelling, type Spelling } from "../c/declarator.ts";

/** A type's declaration: what is before and behind the name, and the whole without one. */
interface Declaration {
  readonly before: string;
  readonly behind: string;
  readonly alone: string;
}

/** Stands for a name in a declaration; no name of a BTF has it in it. */
const PLACE = "\0";

/** Names and types of one BTF as text, and sizes, keeping what was made: most types of a kernel are spelled many times. */
export interface Speller {
  readonly btf: Btf;
  /** The string at an offset. */
  readonly nameAt: (offset: number) => string;
  readonly spelling: Spelling;
  /** A type with a name, as C declares it; with the empty name the type alone. */
  readonly declare: (id: number, name: string) => string;
  /** Bytes of a type; null for one that has no size. */
  readonly sizeOf: (id: number) => number | null;
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
  const declarations = new Map<number, Declaration>();
  let left = CHARACTERS;
  const specifier = (id: number): string => {
    const known = specifiers.get(id);
    if (known !== undefined) return known;
    const text = plain.specifier(id);
    specifiers.set(id, text);
    return text;
  };
  const spelling: Spelling = { ...plain, specifier, parameters: () => nameAt };
  const spell = (id: number, name: string): string => {
    let known = declarations.get(id);
    if (known === undefined) {
      if (left < 0) return name === "" ? "..." : `... ${name}`;
      const text = declare(spelling, id, PLACE);
      left -= text.length;
      known = declarationOf(text);
      if (text.length <= LONGEST_KEPT) declarations.set(id, known);
    }
    return name === "" ? known.alone : known.before + name + known.behind;
  };
  return { btf, nameAt, spelling, declare: spell, sizeOf: sizeReader(btf) };
}

/**
 * A declaration of PLACE taken apart. A type alone has no space where its name would be, but in front of parameters, and
 * between a qualified pointer and its array's length.
 */
function declarationOf(text: string): Declaration {
  const place = text.indexOf(PLACE);
  const [before, behind] = [text.slice(0, place), text.slice(place + 1)];
  const keepsSpace = behind.startsWith("(") || (behind.startsWith("[") && before.includes("*"));
  return { before, behind, alone: (keepsSpace ? before : before.replace(/ $/, "")) + behind };
}

/** Sizes, kept by type: thousands of members are of a few types. */
function sizeReader(btf: Btf): (id: number) => number | null {
  const sizes = new Map<number, number | null>();
  return (id) => {
    const known = sizes.get(id);
    if (known !== undefined) return known;
    const bytes = resolveSize(btf, id);
    const size = bytes < 0 ? null : bytes;
    sizes.set(id, size);
    return size;
  };
}

/** Slices of one text where every byte is one character of it. */
function nameReader(strings: Uint8Array): (offset: number) => string {
  const text = asciiText(strings);
  if (text === undefined) return (offset) => stringAt(strings, offset);
  return (offset) => (offset === 0 ? "" : text.slice(offset, text.indexOf("\0", offset)));
}

function asciiText(strings: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(strings);
    return text.length === strings.length ? text : undefined;
  } catch {
    return undefined;
  }
}
