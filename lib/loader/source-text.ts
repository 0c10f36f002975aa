/** What the sources that embed a loader have in common. */
import type { Loader, LoaderMap } from "./loader.ts";

/** Bytes of a line of numbers. */
const BYTES_A_LINE = 24;

/** A map or program by the name that it has in source: a C identifier, once among its like. */
export interface Named<T> {
  readonly id: string;
  readonly what: T;
}

/** Words that C, C++ or Go keep for themselves and that an object's file may well be called by; `package main` cannot be imported. */
const RESERVED: ReadonlySet<string> = new Set(
  [
    "auto break case char const continue default do double else enum extern float for goto if inline int long register",
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while",
    "bool catch class delete explicit export friend mutable namespace new operator private protected public template this",
    "throw try typename using virtual",
    "chan defer fallthrough func go import init interface main map package range select type var",
  ].flatMap((words) => words.split(" ")),
);

/** What is left of a name in an identifier. */
export function identifier(name: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9_]/g, "_");
  return /^[0-9]/.test(plain) || plain === "" ? `_${plain}` : plain;
}

/** The object's name as an identifier: of a type in C, of a package in Go. */
export function loaderIdentifier({ name }: Loader): string {
  const plain = identifier(name);
  return RESERVED.has(plain.toLowerCase()) ? `${plain}_` : plain;
}

/** Maps by name; those of data sections by their section's: `rodata`, `data_mine`. */
export function namedMaps({ maps }: Loader): Named<LoaderMap>[] {
  return unique(maps, ({ origin, section, name }) => (origin === "declared" ? name : section.replace(/^\./, "")));
}

/** Programs by name. */
export function namedPrograms({ programs }: Loader): Named<Loader["programs"][number]>[] {
  return unique(programs, ({ name }) => name);
}

function unique<T>(list: readonly T[], nameOf: (one: T) => string): Named<T>[] {
  const given = new Set<string>();
  return list.map((what) => {
    const stem = identifier(nameOf(what));
    let id = stem;
    for (let i = 2; given.has(id); i++) id = `${stem}_${i}`;
    given.add(id);
    return { id, what };
  });
}

/** `FileAccess` of `file_access`. */
export function capitalized(name: string): string {
  return name
    .split("_")
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("");
}

/** Each byte as it stands in a line; ten times as fast as asking for it anew. */
const NUMBERS: readonly string[] = Array.from({ length: 256 }, (_, byte) => `${byte}, `);

/** Numbers, some on each line. */
export function byteLines(bytes: Uint8Array, indent: string): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += BYTES_A_LINE) {
    const end = Math.min(at + BYTES_A_LINE, bytes.length);
    text += indent;
    for (let i = at; i < end - 1; i++) text += NUMBERS[bytes[i] as number] as string;
    text += `${bytes[end - 1]},\n`;
  }
  return text;
}

/** Steps as a message has them: `load-program exec`. */
export function stepTexts({ steps }: Loader): string[] {
  return steps.map(({ action, name }) => (name === "" ? action : `${action} ${name}`));
}

/** A text as a literal that C, Go and TypeScript read alike; names in objects may have anything in them. */
export function literal(text: string): string {
  return `"${text.replaceAll(/[^ !#-[\]-~]/g, "?")}"`;
}

/** A name that may stand in a comment. */
export function inComment(text: string): string {
  return text.replaceAll(/[^ -)+-.0-~]/g, "?");
}
