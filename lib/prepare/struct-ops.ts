import { KIND_STRUCT } from "../btf/format.ts";
import { memberName } from "../btf/members.ts";
import { essentialLength, stringAt } from "../btf/strings.ts";
import { type Btf, nameOffsetOf, sizeOf, vlenOf } from "../btf/view.ts";
import type { PlacedMap } from "./maps.ts";
import { findTypes, keyOf, type Wanted } from "./target-types.ts";

/** What a struct_ops program is loaded as: a member of a kernel's struct. */
export interface StructOpsMember {
  /** The struct's name. */
  readonly name: string;
  /** Its id in the target's BTF; null where it is not known. */
  readonly typeId: number | null;
  /** Index of the member in the kernel's struct: the program's attach type; 0 where it is not known. */
  readonly member: number;
}

/** The kernel's struct around a struct_ops map's value (libbpf.c, STRUCT_OPS_VALUE_PREFIX). */
const VALUE_PREFIX = "bpf_struct_ops_";

/** Maps with the kernel's sizes and types, and for each program (by its place in the plan) what it is a member of. */
export interface BoundStructOps {
  readonly maps: readonly PlacedMap[];
  readonly members: ReadonlyMap<number, StructOpsMember>;
  /** Types of maps that are created by default and that the target, where there is one, does not have. */
  readonly missing: readonly string[];
}

/** Looks struct_ops maps' types up in the target (libbpf.c, bpf_map__init_kern_struct_ops); by name alone without one. */
export function bindStructOps(placed: readonly PlacedMap[], btf: Btf | null, target: Btf | null): BoundStructOps {
  const members = new Map<number, StructOpsMember>();
  const own = placed.filter(({ map }) => map.origin === "struct_ops");
  if (btf === null || own.length === 0) return { maps: placed, members, missing: [] };
  const wanted = own.flatMap(({ struct }): Wanted[] =>
    [structName(btf, struct), `${VALUE_PREFIX}${structName(btf, struct)}`].map((name) => ({ name, kind: KIND_STRUCT })),
  );
  const found = target === null ? new Map<string, number>() : findTypes(target, wanted);
  const idOf = (name: string): number | undefined => found.get(keyOf({ name, kind: KIND_STRUCT }));
  const missing: string[] = [];
  const maps = placed.map((one): PlacedMap => {
    const { map, struct } = one;
    if (map.origin !== "struct_ops") return one;
    const name = structName(btf, struct);
    const typeId = idOf(name) ?? null;
    map.slots.forEach((program, i) => {
      if (program === null) return;
      const field = stringAt(btf.strings, memberName(btf, struct, i));
      const member = target === null || typeId === null ? -1 : memberNamed(target, typeId, field);
      members.set(program, { name, typeId, member: Math.max(0, member) });
    });
    const value = idOf(`${VALUE_PREFIX}${name}`);
    if (target !== null && map.autocreate && (typeId === null || value === undefined)) missing.push(name);
    if (target === null || value === undefined) return one;
    return { ...one, map: { ...map, valueSize: sizeOf(target, value), kernelTypeId: value } };
  });
  return { maps, members, missing };
}

function structName(btf: Btf, struct: number): string {
  const offset = nameOffsetOf(btf, struct);
  return new TextDecoder().decode(btf.strings.subarray(offset, offset + essentialLength(btf.strings, offset)));
}

function memberNamed(btf: Btf, struct: number, name: string): number {
  for (let i = 0; i < vlenOf(btf, struct); i++)
    if (stringAt(btf.strings, memberName(btf, struct, i)) === name) return i;
  return -1;
}
