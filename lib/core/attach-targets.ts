import {
  KIND_ARRAY,
  KIND_DATASEC,
  KIND_FUNC,
  KIND_PTR,
  KIND_STRUCT,
  KIND_TYPE_TAG,
  KIND_TYPEDEF,
  KIND_VAR,
  SECINFO_TYPE_WORD,
  SECINFO_WORDS,
  TYPE_WORDS,
} from "../btf/format.ts";
import { arrayElement, memberName, memberType } from "../btf/members.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { essentialLength, nameOf, stringAt } from "../btf/strings.ts";
import { type Btf, isComposite, kindOf, recordOf, targetOf, typeCount, vlenOf } from "../btf/view.ts";
import { readSymbols, symbolBind, symbolName } from "../elf/symbols.ts";
import { KERNEL_PREFIXES, STRUCT_OPS_VALUE } from "./attach-prefix.ts";
import type { BpfObject } from "./object.ts";

/**
 * What names a target: a program's section (`fentry`, ..., `iter`, `freplace`), an extern in `.ksyms` (`kfunc`,
 * `ksym`), a struct_ops map's type and the kernel's struct around it (`struct_ops`), a pointer in a map (`kptr`).
 */
export type AttachKind =
  | "fentry"
  | "fexit"
  | "fmod_ret"
  | "fsession"
  | "tp_btf"
  | "lsm"
  | "iter"
  | "freplace"
  | "kfunc"
  | "ksym"
  | "struct_ops"
  | "kptr";

/** A type of the kernel that an object names besides its relocations, and that a loader looks up by name. */
export interface AttachTarget {
  readonly object: string;
  /** The program or the map; the section for an extern. */
  readonly user: string;
  readonly kind: AttachKind;
  /** The type's name in the kernel: `bpf_lsm_bprm_check_security` of `lsm/bprm_check_security`. */
  readonly name: string;
  /** An extern's own name, with its flavour: `bpf_task_acquire___two` of `bpf_task_acquire`; null of all others. */
  readonly symbol: string | null;
  /** KIND_FUNC, KIND_TYPEDEF, KIND_VAR, KIND_STRUCT or KIND_UNION; null when it is not in the kernel but in another program. */
  readonly targetKind: number | null;
  /** How the module's name begins, from a section like `fentry/module:function` (libbpf wants no more); null for any. */
  readonly module: string | null;
  /** True when an object loads without it: a weak extern, a program not loaded by default, a pointer to the object's own type. */
  readonly optional: boolean;
}

/**
 * Whether a target may be in a module, or in `vmlinux`: libbpf compares as much of the name as the section has
 * (libbpf.c, find_kernel_btf_id).
 */
export function mayBeIn({ module }: Pick<AttachTarget, "module">, name: string): boolean {
  return name.startsWith(module ?? "");
}

interface SectionRow {
  readonly kind: AttachKind;
  readonly targetKind: number | null;
}

const TRACED = (kind: AttachKind): SectionRow => ({ kind, targetKind: KIND_FUNC });

/** Sections whose programs attach by a BTF id (libbpf.c, section_defs with SEC_ATTACH_BTF; btf_get_kernel_prefix_kind). */
const SECTIONS: ReadonlyMap<string, SectionRow> = new Map(
  (
    [
      ["fentry", TRACED("fentry")],
      ["fexit", TRACED("fexit")],
      ["fmod_ret", TRACED("fmod_ret")],
      ["fsession", TRACED("fsession")],
      ["tp_btf", { kind: "tp_btf", targetKind: KIND_TYPEDEF }],
      ["lsm", TRACED("lsm")],
      ["iter", TRACED("iter")],
    ] as [string, SectionRow][]
  )
    .flatMap(([section, row]): [string, SectionRow][] => [
      [section, row],
      // Sleepable.
      [`${section}.s`, row],
    ])
    .concat([
      ["lsm_cgroup", TRACED("lsm")],
      ["freplace", { kind: "freplace", targetKind: null }],
    ]),
);

/** A `?` in front: not loaded or created by default. */
const NOT_BY_DEFAULT = "?";
const STRUCT_OPS_SECTIONS = new Set([".struct_ops", ".struct_ops.link"]);
/** Type tags of pointers that the kernel keeps in maps (kernel/bpf/btf.c, btf_find_kptr); kptr_ref until Linux 6.3. */
const KPTR_TAGS = new Set(["kptr", "kptr_ref", "kptr_untrusted", "percpu_kptr", "uptr"]);
const STB_WEAK = 2;
/** Structs in structs, as deep as any map's value; corrupt types may go round in circles. */
const MAX_DEPTH = 16;

/**
 * The kernel's functions and types that an object names by its sections, externs and maps, in that order, each once;
 * each flavour of an extern is one, as it has a type of its own and is weak or is not. A section without a name
 * (`SEC("fentry")`) names none: the loader is told at run time.
 */
export function attachTargets(object: BpfObject): AttachTarget[] {
  const targets = [...programTargets(object), ...typeTargets(object)];
  const seen = new Set<string>();
  return targets.filter(({ user, kind, name, symbol }) => {
    const key = `${user}\0${kind}\0${symbol ?? name}`;
    return !seen.has(key) && seen.add(key);
  });
}

function programTargets(object: BpfObject): AttachTarget[] {
  return object.programs.flatMap(({ name: user, section: full }): AttachTarget[] => {
    const optional = full.startsWith(NOT_BY_DEFAULT);
    const section = optional ? full.slice(1) : full;
    const slash = section.indexOf("/");
    const row = slash === -1 ? undefined : SECTIONS.get(section.slice(0, slash));
    const rest = section.slice(slash + 1);
    if (row === undefined || rest === "") return [];
    const colon = rest.indexOf(":");
    const name = `${KERNEL_PREFIXES[row.kind] ?? ""}${rest.slice(colon + 1)}`;
    const module = colon === -1 ? null : rest.slice(0, colon);
    const { kind, targetKind } = row;
    return [{ object: object.source, user, kind, name, symbol: null, targetKind, module, optional }];
  });
}

function typeTargets(object: BpfObject): AttachTarget[] {
  const { btf } = object;
  if (btf === null) return [];
  const found: AttachTarget[] = [];
  for (let id = 1; id < typeCount(btf); id++) {
    if (kindOf(btf, id) !== KIND_DATASEC) continue;
    const section = nameOf(btf, id);
    const optional = section.startsWith(NOT_BY_DEFAULT);
    const plain = optional ? section.slice(1) : section;
    if (plain === ".ksyms") found.push(...externs(object, btf, id));
    else if (STRUCT_OPS_SECTIONS.has(plain)) found.push(...structOps(object, btf, id, optional));
    else found.push(...kernelPointers(object, btf, id, plain === ".maps"));
  }
  return found;
}

/** The VARs and FUNCs of a DATASEC, in its order. */
export function variables(btf: Btf, section: number): number[] {
  const first = recordOf(btf, section) + TYPE_WORDS + SECINFO_TYPE_WORD;
  return Array.from({ length: vlenOf(btf, section) }, (_, i) => btf.words[first + i * SECINFO_WORDS] as number);
}

/** Functions by their essential names, variables by their whole ones (libbpf.c, bpf_object__resolve_ksym_*_btf_id). */
function externs(object: BpfObject, btf: Btf, section: number): AttachTarget[] {
  const weak = weakSymbols(object);
  return variables(btf, section).flatMap((id): AttachTarget[] => {
    const symbol = nameOf(btf, id);
    const common = {
      object: object.source,
      user: nameOf(btf, section),
      symbol,
      module: null,
      optional: weak.has(symbol),
    };
    if (kindOf(btf, id) === KIND_FUNC) {
      return [{ ...common, kind: "kfunc", name: essentialName(btf, id), targetKind: KIND_FUNC }];
    }
    // An address without a type comes from kallsyms.
    const isTyped = kindOf(btf, id) === KIND_VAR && skipModifiersAndTypedefs(btf, targetOf(btf, id)) !== 0;
    return isTyped ? [{ ...common, kind: "ksym", name: symbol, targetKind: KIND_VAR }] : [];
  });
}

function weakSymbols({ elf }: BpfObject): Set<string> {
  const symbols = readSymbols(elf);
  const weak = new Set<string>();
  for (let i = 0; i < symbols.count; i++) {
    if (symbols.sections[i] === 0 && symbolBind(symbols, i) === STB_WEAK) weak.add(symbolName(symbols, i));
  }
  return weak;
}

/** A struct_ops map is a variable of the kernel's struct, by its essential name (libbpf.c, find_struct_ops_kern_types). */
function structOps(object: BpfObject, btf: Btf, section: number, optional: boolean): AttachTarget[] {
  return variables(btf, section).flatMap((id): AttachTarget[] => {
    if (kindOf(btf, id) !== KIND_VAR) return [];
    const name = essentialName(btf, skipModifiersAndTypedefs(btf, targetOf(btf, id)));
    if (name === "") return [];
    const common = { object: object.source, user: nameOf(btf, id), symbol: null, module: null, optional };
    return [name, `${STRUCT_OPS_VALUE}${name}`].map((struct) => ({
      ...common,
      kind: "struct_ops",
      name: struct,
      targetKind: KIND_STRUCT,
    }));
  });
}

function essentialName(btf: Btf, id: number): string {
  const offset = btf.words[recordOf(btf, id)] as number;
  return new TextDecoder().decode(btf.strings.subarray(offset, offset + essentialLength(btf.strings, offset)));
}

/** Tagged pointers in the values of maps, or in variables that make up a map of their own (.bss, .data). */
function kernelPointers(object: BpfObject, btf: Btf, section: number, areMaps: boolean): AttachTarget[] {
  return variables(btf, section).flatMap((id): AttachTarget[] => {
    if (kindOf(btf, id) !== KIND_VAR) return [];
    const pointees = new Set<number>();
    const seen = new Set<number>();
    for (const type of areMaps ? mapValues(btf, targetOf(btf, id)) : [targetOf(btf, id)]) {
      collectPointees(btf, type, pointees, seen);
    }
    return [...pointees].map((type) => ({
      object: object.source,
      user: nameOf(btf, id),
      kind: "kptr",
      name: nameOf(btf, type),
      symbol: null,
      targetKind: kindOf(btf, type),
      module: null,
      // The pointer may be to a type of the object's own (bpf_obj_new).
      optional: true,
    }));
  });
}

/** The value types of a map's definition: what its member `value` points to, also of the maps inside a map. */
export function mapValues(btf: Btf, definition: number, depth = 0): number[] {
  const struct = skipModifiersAndTypedefs(btf, definition);
  if (kindOf(btf, struct) !== KIND_STRUCT || depth > MAX_DEPTH) return [];
  const values: number[] = [];
  for (let i = 0; i < vlenOf(btf, struct); i++) {
    const name = stringAt(btf.strings, memberName(btf, struct, i));
    if (name !== "value" && name !== "values") continue;
    let type = skipModifiersAndTypedefs(btf, memberType(btf, struct, i));
    if (kindOf(btf, type) === KIND_ARRAY) type = skipModifiersAndTypedefs(btf, arrayElement(btf, type));
    if (kindOf(btf, type) !== KIND_PTR) continue;
    if (name === "value") values.push(targetOf(btf, type));
    else values.push(...mapValues(btf, targetOf(btf, type), depth + 1));
  }
  return values;
}

/** `pointees` has the types of tagged pointers, `seen` the structs and arrays that were looked into: each once, however types go round. */
function collectPointees(btf: Btf, id: number, pointees: Set<number>, seen: Set<number>): void {
  const pending = [id];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const type = skipModifiersAndTypedefs(btf, next);
    if (seen.has(type)) continue;
    seen.add(type);
    const kind = kindOf(btf, type);
    if (kind === KIND_ARRAY) pending.push(arrayElement(btf, type));
    else if (isComposite(kind)) for (let i = vlenOf(btf, type) - 1; i >= 0; i--) pending.push(memberType(btf, type, i));
    else if (kind === KIND_PTR) collectPointee(btf, type, pointees);
  }
}

function collectPointee(btf: Btf, pointer: number, pointees: Set<number>): void {
  // Throws where modifiers go round in a circle.
  const pointee = skipModifiersAndTypedefs(btf, targetOf(btf, pointer));
  let tagged = false;
  for (let at = targetOf(btf, pointer); at !== pointee; at = targetOf(btf, at)) {
    if (kindOf(btf, at) === KIND_TYPE_TAG && KPTR_TAGS.has(nameOf(btf, at))) tagged = true;
  }
  if (tagged && isComposite(kindOf(btf, pointee)) && nameOf(btf, pointee) !== "") pointees.add(pointee);
}
