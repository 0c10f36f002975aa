/** Where C puts the members of types that were printed from BTF: static assertions, and the compiler's own BTF. */
import { KIND_ARRAY, KIND_ENUM, KIND_ENUM64, KIND_FWD, KIND_STRUCT, KIND_UNION } from "../../lib/btf/format.ts";
import {
  arrayElement,
  arrayLength,
  memberBitfieldSize,
  memberBitOffset,
  memberName,
  memberType,
} from "../../lib/btf/members.ts";
import { resolveSize, skipModifiersAndTypedefs } from "../../lib/btf/resolve.ts";
import { nameOf, stringAt } from "../../lib/btf/strings.ts";
import { type Btf, isComposite, kindOf, sizeOf, typeCount, vlenOf } from "../../lib/btf/view.ts";

/** A member by its C path from a named struct or union. */
export interface Place {
  readonly path: string;
  readonly bitOffset: number;
  /** Bits of a bitfield, else 0. */
  readonly width: number;
  readonly bytes: number;
}

/** Tags of structs and unions that are there once, with their ids: the printer renames the second of a name. */
export function namedComposites(btf: Btf): Map<string, number> {
  const found = new Map<string, number>();
  const seen = new Set<string>();
  for (let id = 1; id < typeCount(btf); id++) {
    const kind = kindOf(btf, id);
    const name = nameOf(btf, id);
    if (name === "" || ![KIND_STRUCT, KIND_UNION, KIND_ENUM, KIND_ENUM64, KIND_FWD].includes(kind)) continue;
    if (seen.has(name)) found.delete(name);
    else if (isComposite(kind)) found.set(name, id);
    seen.add(name);
  }
  return found;
}

/** `struct foo` or `union foo`. */
export const spelled = (btf: Btf, id: number): string =>
  `${kindOf(btf, id) === KIND_STRUCT ? "struct" : "union"} ${nameOf(btf, id)}`;

/** Members of a composite, those of nameless ones inside included; named ones have assertions of their own. */
export function placesOf(btf: Btf, id: number, prefix = "", bits = 0): Place[] {
  const places: Place[] = [];
  for (let i = 0; i < vlenOf(btf, id); i++) {
    const name = stringAt(btf.strings, memberName(btf, id, i));
    const type = memberType(btf, id, i);
    const bitOffset = bits + memberBitOffset(btf, id, i);
    let path = name === "" ? prefix : `${prefix}${prefix === "" ? "" : "."}${name}`;
    if (name !== "") {
      const width = memberBitfieldSize(btf, id, i);
      places.push({ path, bitOffset, width, bytes: resolveSize(btf, type) });
    }
    let inner = skipModifiersAndTypedefs(btf, type);
    while (kindOf(btf, inner) === KIND_ARRAY && arrayLength(btf, inner) > 0) {
      inner = skipModifiersAndTypedefs(btf, arrayElement(btf, inner));
      path += "[0]";
    }
    const named = nameOf(btf, inner) !== "" && name !== "";
    if (isComposite(kindOf(btf, inner)) && !named) places.push(...placesOf(btf, inner, path, bitOffset));
  }
  return places;
}

/** C text that does not compile unless sizes and offsets are those of the BTF; and a variable of each type. */
export function assertions(btf: Btf): string {
  const lines: string[] = [];
  for (const [name, id] of namedComposites(btf)) {
    const type = spelled(btf, id);
    lines.push(`_Static_assert(sizeof(${type}) == ${sizeOf(btf, id)}, "sizeof ${type}");`);
    for (const { path, bitOffset, width } of placesOf(btf, id)) {
      if (width > 0) continue;
      lines.push(`_Static_assert(__builtin_offsetof(${type}, ${path}) * 8 == ${bitOffset}, "${type} ${path}");`);
    }
    lines.push(`${type} variable_${name};`);
  }
  return lines.join("\n");
}
