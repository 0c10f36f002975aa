import { rawName, type Sink } from "../btf/dump-sink.ts";
import { KIND_FLOAT, KIND_FWD, KIND_INT, KIND_TYPEDEF } from "../btf/format.ts";
import { nameOf } from "../btf/strings.ts";
import { type Btf, isComposite, isEnum, kindOf, nameOffsetOf } from "../btf/view.ts";
import { keywordOf } from "./declarator.ts";
import { LATER_KEYWORDS, type NameSpace, takeName } from "./identifiers.ts";
import type { Layouts } from "./layout.ts";
import type { Nameless } from "./nameless.ts";
import { isUnit, type Order } from "./order.ts";
import { behindTypedefs } from "./references.ts";
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
  /** Members' names of the struct in hand, with those of what is unfolded in it. */
  members: NameSpace;
  /** Members' names that later C has taken, and whether the header has their macros yet. */
  readonly later: Map<string, boolean>;
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
    if (keywordOf(btf, id) !== undefined) continue;
    names.byId.set(id, takeName(names.ordinary, rawNameOf({ btf, sink }, id), isOwnBool(btf, id)));
  }
  return names;
}

/** True for the typedef that later C has by itself. */
function isOwnBool(btf: Btf, id: number): boolean {
  if (kindOf(btf, id) !== KIND_TYPEDEF || nameOf(btf, id) !== "bool") return false;
  return nameOf(btf, behindTypedefs(btf, id)) === "_Bool";
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

/** Takes a member's name: a macro where only later C has taken it, as CO-RE finds a member by its name alone. */
export function memberText({ sink, later, members }: Writer, offset: number): string {
  const raw = rawName(sink, offset);
  if (!LATER_KEYWORDS.has(raw)) return takeName(members, raw);
  if (!later.has(raw)) later.set(raw, false);
  return takeName(members, laterName(raw));
}

/** The macro that stands for a member's name where later C has taken it. */
export const laterName = (word: string): string => `__btfgen_${word}`;

/** A comment on what C cannot have. */
export function remark(what: string, why: string): string {
  return `/* ${what}: ${why} */`;
}
