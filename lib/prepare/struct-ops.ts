import { KIND_STRUCT } from "../btf/format.ts";
import { memberBitOffset, memberName, memberType } from "../btf/members.ts";
import { resolveSize } from "../btf/resolve.ts";
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
  /** Whether a program is loaded, for those that maps refer to: as their maps are created, whatever its section says. */
  readonly autoload: ReadonlyMap<number, boolean>;
  readonly refusals: readonly string[];
}

/**
 * Looks struct_ops maps' types up in the target; by name alone without one (libbpf.c, bpf_map__init_kern_struct_ops and
 * bpf_object_adjust_struct_ops_autoload, as since 1.5). A member that the target does not have is left out where it is zero.
 */
export function bindStructOps(placed: readonly PlacedMap[], btf: Btf | null, target: Btf | null): BoundStructOps {
  const members = new Map<number, StructOpsMember>();
  const autoload = new Map<number, boolean>();
  const refusals: string[] = [];
  const own = placed.filter(({ map }) => map.origin === "struct_ops");
  if (btf === null || own.length === 0) return { maps: placed, members, autoload, refusals };
  const wanted = own.flatMap(({ struct }): Wanted[] =>
    [structName(btf, struct), `${VALUE_PREFIX}${structName(btf, struct)}`].map((name) => ({ name, kind: KIND_STRUCT })),
  );
  const found = target === null ? new Map<string, number>() : findTypes(target, wanted);
  const idOf = (name: string): number | undefined => found.get(keyOf({ name, kind: KIND_STRUCT }));
  const maps = placed.map((one): PlacedMap => {
    const { map, struct } = one;
    if (map.origin !== "struct_ops") return one;
    const name = structName(btf, struct);
    const typeId = idOf(name) ?? null;
    const known = target === null || typeId === null ? null : memberNames(target, typeId);
    for (const [i, field] of memberNames(btf, struct).entries()) {
      const program = map.slots[i] ?? null;
      const member = known === null ? 0 : known.indexOf(field);
      if (program !== null) {
        members.set(program, { name, typeId, member: Math.max(0, member) });
        autoload.set(program, map.autocreate || autoload.get(program) === true);
      }
      if (member === -1 && map.autocreate && (program !== null || !isZero(btf, one, i))) {
        refusals.push(`map '${map.name}': the target's ${name} has no member '${field}', which is set`);
      }
    }
    const value = idOf(`${VALUE_PREFIX}${name}`);
    if (target !== null && map.autocreate && (typeId === null || value === undefined)) {
      refusals.push(`the target has no struct_ops type '${name}'`);
    }
    if (target === null || value === undefined) return one;
    return { ...one, map: { ...map, valueSize: sizeOf(target, value), kernelTypeId: value } };
  });
  return { maps, members, autoload, refusals };
}

function isZero(btf: Btf, { map, struct }: PlacedMap, member: number): boolean {
  const at = memberBitOffset(btf, struct, member) / 8;
  const size = resolveSize(btf, memberType(btf, struct, member));
  return map.contents?.subarray(at, at + Math.max(size, 0)).every((byte) => byte === 0) !== false;
}

function structName(btf: Btf, struct: number): string {
  const offset = nameOffsetOf(btf, struct);
  return new TextDecoder().decode(btf.strings.subarray(offset, offset + essentialLength(btf.strings, offset)));
}

function memberNames(btf: Btf, struct: number): string[] {
  return Array.from({ length: vlenOf(btf, struct) }, (_, i) => stringAt(btf.strings, memberName(btf, struct, i)));
}
