import { rawName, type Sink } from "../btf/dump-sink.ts";
import { KIND_FLOAT, KIND_FWD, KIND_INT } from "../btf/format.ts";
import { type Btf, isComposite, isEnum, kindOf, nameOffsetOf } from "../btf/view.ts";
import { keywordOf } from "./declarator.ts";
import { identifier, type NameSpace, takeName } from "./identifiers.ts";
import type { Layouts } from "./layout.ts";
import type { Nameless } from "./nameless.ts";
import { isUnit, type Order } from "./order.ts";
import type { Tags } from "./tags.ts";

/** All that the text of a header depends on, and how far it is. */
export interface Writer {
  readonly btf: Btf;
  readonly sink: Sink;
  readonly layouts: Layouts;
  readonly tags: Tags;
  readonly names: HeaderNames;
  /** Type id -> what stands before and behind a member's name in its declaration. */
  readonly around: Map<number, readonly [string, string]>;
  /** Tabs in front of a line. */
  indent: string;
  /** Members made up in the unit in hand. */
  gaps: number;
}

/** Names as the header has them. */
export interface HeaderNames {
  readonly ordinary: NameSpace;
  readonly tags: NameSpace;
  /** By id: tags of structs, unions and enums, names of typedefs and integers. */
  readonly byId: Map<number, string>;
  /** Keyword and name as in the BTF -> tag: what a forward declaration means. */
  readonly byKeyword: Map<string, Tag>;
}

interface Tag {
  readonly name: string;
  /** False while only forward declarations have asked for it. */
  defined: boolean;
}

/** A type's name as it is in the BTF, a character a byte. */
export function rawNameOf({ btf, sink }: Pick<Writer, "btf" | "sink">, id: number): string {
  return rawName(sink, nameOffsetOf(btf, id));
}

/**
 * Names all that a header defines, the lowest id of a name first, so that a base's types keep their names. Tags that are
 * only mentioned, and enumerators, take theirs when they come.
 */
export function nameUnits(
  btf: Btf,
  sink: Sink,
  nameless: Nameless,
  { units }: Order,
  functions: readonly string[],
): HeaderNames {
  const names: HeaderNames = { ordinary: new Map(), tags: new Map(), byId: new Map(), byKeyword: new Map() };
  // A function's name is a symbol's: it can have no other.
  for (const name of functions) names.ordinary.set(name, 1);
  const ids = Uint32Array.from(units).sort();
  for (const id of ids) {
    const kind = kindOf(btf, id);
    if (isComposite(kind) || (isEnum(kind) && isUnit(btf, nameless, id))) tagName(btf, sink, names, id);
  }
  for (const id of ids) {
    if (keywordOf(btf, id) === undefined) names.byId.set(id, takeName(names.ordinary, rawNameOf({ btf, sink }, id)));
  }
  return names;
}

/** The tag of a struct, union, enum or forward declaration; made up where it has none. */
export function tagName(btf: Btf, sink: Sink, names: HeaderNames, id: number): string {
  let name = names.byId.get(id);
  if (name !== undefined) return name;
  const raw = rawNameOf({ btf, sink }, id);
  const isForward = kindOf(btf, id) === KIND_FWD;
  const keyword = keywordOf(btf, id) ?? "struct";
  if (raw === "") {
    name = takeName(names.tags, `__anon_${keyword}_${id}`);
  } else {
    const key = `${keyword} ${raw}`;
    const known = names.byKeyword.get(key);
    if (known !== undefined && (isForward || !known.defined)) {
      known.defined ||= !isForward;
      name = known.name;
    } else {
      name = takeName(names.tags, raw);
      if (known === undefined) names.byKeyword.set(key, { name, defined: !isForward });
    }
  }
  names.byId.set(id, name);
  return name;
}

/** `struct sock`, with the tag that the header gives it. */
export function tagged({ btf, sink, names }: Writer, id: number): string {
  return `${keywordOf(btf, id)} ${tagName(btf, sink, names, id)}`;
}

/** The name of a type that is no tag: a typedef's, an integer's; `void` for what cannot be an object's type. */
export function ordinaryName(writer: Writer, id: number): string {
  const { btf, names } = writer;
  const name = names.byId.get(id);
  if (name !== undefined) return name;
  const kind = kindOf(btf, id);
  return kind === KIND_INT || kind === KIND_FLOAT ? rawNameOf(writer, id) : "void";
}

/** A member's name. */
export function memberText({ sink }: Writer, offset: number): string {
  return identifier(rawName(sink, offset));
}

/** A comment on what C cannot have. */
export function remark(what: string, why: string): string {
  return `/* ${what}: ${why} */`;
}
