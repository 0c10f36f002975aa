import {
  KIND_ARRAY,
  KIND_DATASEC,
  KIND_FWD,
  KIND_PTR,
  KIND_STRUCT,
  KIND_TYPE_TAG,
  KIND_UNION,
  KIND_VAR,
  KIND_VOLATILE,
} from "../btf/format.ts";
import { arrayElement, arrayLength, memberBitOffset, memberName, memberType } from "../btf/members.ts";
import { nameOf, stringAt } from "../btf/strings.ts";
import { type Btf, isComposite, isTransparent, kindFlagOf, kindOf, targetOf, typeCount, vlenOf } from "../btf/view.ts";
import { mapValues, variables } from "./attach-targets.ts";
import type { BpfObject } from "./object.ts";
import { kindWords } from "./path-text.ts";
import { RELO_TYPE_ID_LOCAL } from "./relo-kind.ts";

/** What the kernel does with a tagged pointer: `unreferenced` may dangle, `referenced` owns what it points to. */
export type PointerKind = "unreferenced" | "referenced" | "percpu" | "user";

/** Why the kernel does not take a tagged pointer for one of its own, or refuses the map. */
export type FieldProblemCode =
  | "tag-order"
  | "several-tags"
  | "old-tag"
  | "not-a-struct"
  | "not-seen"
  | "misaligned"
  | "too-many";

/** Why, in words. */
export interface FieldProblem {
  readonly code: FieldProblemCode;
  readonly text: string;
}

/** A field of a map's value (or of memory that a program allocates) that the kernel itself looks after. */
export interface KernelField {
  readonly object: string;
  /** Where it lies: a map, a global variable, or a struct that programs allocate (bpf_obj_new). */
  readonly where: "map" | "global" | "local";
  /** The map's, variable's or struct's name. */
  readonly owner: string;
  /** `slot.task`, `[4].task` of an array; empty where the value is the pointer itself. */
  readonly path: string;
  /** Bytes from the start of the value, variable or struct; of the first of several. */
  readonly offset: number;
  /** How many there are, one behind the other: those of arrays. */
  readonly count: number;
  /** A tagged pointer's kind, or the special struct's name (`bpf_timer`). */
  readonly kind: PointerKind | SpecialField;
  /** The type tags of a pointer, as they stand; none of a special struct. */
  readonly tags: readonly string[];
  /** What a pointer points to; null of a special struct. */
  readonly pointee: { readonly name: string; readonly kind: number } | null;
  readonly problem: FieldProblem | null;
}

/** Structs that are more than their bytes to the kernel (kernel/bpf/btf.c, btf_get_field_type). */
export type SpecialField = (typeof SPECIAL_FIELDS)[number];

const SPECIAL_FIELDS = [
  "bpf_spin_lock",
  "bpf_res_spin_lock",
  "bpf_timer",
  "bpf_wq",
  "bpf_task_work",
  "bpf_list_head",
  "bpf_list_node",
  "bpf_rb_root",
  "bpf_rb_node",
  "bpf_refcount",
] as const;

/** The tags, and their meaning since Linux 6.4; before, `kptr` was unreferenced and `kptr_ref` referenced (btf_find_kptr). */
const POINTER_TAGS: ReadonlyMap<string, PointerKind> = new Map([
  ["kptr_untrusted", "unreferenced"],
  ["kptr", "referenced"],
  ["kptr_ref", "referenced"],
  ["percpu_kptr", "percpu"],
  ["uptr", "user"],
]);
const OLD_TAG = "kptr_ref";
/** BTF_FIELDS_MAX, include/linux/bpf.h: fields of one map, special structs included. */
const MOST_FIELDS = 11;
const POINTER_BYTES = 8;
const BITS_PER_BYTE = 8;
/** MAX_RESOLVE_DEPTH, kernel/bpf/btf.c: structs in structs. */
const MAX_DEPTH = 32;
/** A value of more members than that, those of its structs included, comes from a corrupt file. */
const MOST_MEMBERS = 100_000;

/** What is being looked at. */
interface Walk {
  readonly btf: Btf;
  readonly owner: Pick<KernelField, "object" | "where" | "owner">;
  readonly found: KernelField[];
  membersLeft: number;
}

/**
 * The fields of an object's maps, global variables and allocated structs that the kernel looks after: tagged pointers
 * and special structs, in the order of the types, with what is wrong with them (kernel/bpf/btf.c, btf_find_field,
 * btf_find_kptr and btf_check_type_tags).
 */
export function kernelFields(object: BpfObject): KernelField[] {
  const { btf } = object;
  if (btf === null) return [];
  const found: KernelField[] = [];
  const look = (where: KernelField["where"], owner: string, type: number) => {
    const own: KernelField[] = [];
    const walk = { btf, owner: { object: object.source, where, owner }, found: own, membersLeft: MOST_MEMBERS };
    const isStruct = where === "global" || kindOf(btf, type) === KIND_STRUCT;
    const hidden = isStruct ? null : "in a value that is no struct";
    lookInto(walk, type, { offset: 0, count: 1, path: "", hidden }, 0);
    found.push(...withLimit(own));
  };
  for (let id = 1; id < typeCount(btf); id++) {
    if (kindOf(btf, id) !== KIND_DATASEC) continue;
    const isMaps = nameOf(btf, id).replace(/^\?/, "") === ".maps";
    for (const variable of variables(btf, id)) {
      if (kindOf(btf, variable) !== KIND_VAR) continue;
      const name = nameOf(btf, variable);
      if (!isMaps) look("global", name, targetOf(btf, variable));
      // A map's value may be a typedef of a struct (btf_type_id_size).
      else for (const value of mapValues(btf, targetOf(btf, variable))) look("map", name, unqualified(btf, value)[0]);
    }
  }
  for (const type of allocatedTypes(object)) look("local", nameOf(btf, type), type);
  return found;
}

/** Structs whose local type id a program asks for: that is how it names what it allocates. */
function allocatedTypes({ btf, relocations }: BpfObject): Set<number> {
  const types = new Set<number>();
  for (const { kind, typeId } of relocations) {
    if (btf !== null && kind === RELO_TYPE_ID_LOCAL && kindOf(btf, typeId) === KIND_STRUCT) types.add(typeId);
  }
  return types;
}

/** Where a type lies in the value. */
interface At {
  readonly offset: number;
  readonly count: number;
  readonly path: string;
  /** Why the kernel does not look here; null where it does. */
  readonly hidden: string | null;
}

function lookInto(walk: Walk, id: number, at: At, depth: number): void {
  const { btf } = walk;
  if (depth > MAX_DEPTH) return;
  const [type, qualifier] = unqualified(btf, id);
  const kind = kindOf(btf, type);
  // A volatile pointer is still seen, anything else behind a qualifier is not.
  const isSeen =
    qualifier === null || (kind === KIND_PTR && kindOf(btf, id) === KIND_VOLATILE && targetOf(btf, id) === type);
  const hidden = at.hidden ?? (isSeen ? null : `behind ${qualifier}`);
  if (kind === KIND_ARRAY) {
    const length = arrayLength(btf, type);
    if (length === 0) return;
    const path = length === 1 ? `${at.path}[0]` : `${at.path}[0..${length - 1}]`;
    lookInto(walk, arrayElement(btf, type), { ...at, count: at.count * length, path, hidden }, depth + 1);
  } else if (kind === KIND_PTR) lookAtPointer(walk, type, { ...at, hidden });
  else if (isComposite(kind)) lookAtMembers(walk, type, { ...at, hidden }, depth);
}

function lookAtMembers(walk: Walk, type: number, at: At, depth: number): void {
  const { btf, found, owner } = walk;
  const special = SPECIAL_FIELDS.find((name) => name === nameOf(btf, type));
  // A map's value is not looked at by its own name, only its members are.
  if (special !== undefined && (depth > 0 || owner.where === "global")) {
    const { hidden, ...place } = at;
    const problem = hidden === null ? null : notSeen(hidden);
    found.push({ ...owner, ...place, kind: special, tags: [], pointee: null, problem });
    return;
  }
  const hidden = at.hidden ?? (kindOf(btf, type) === KIND_UNION ? "in a union" : null);
  for (let i = 0; i < vlenOf(btf, type) && walk.membersLeft-- > 0; i++) {
    const name = stringAt(btf.strings, memberName(btf, type, i));
    const offset = at.offset + memberBitOffset(btf, type, i) / BITS_PER_BYTE;
    const path = at.path === "" ? name : name === "" ? at.path : `${at.path}.${name}`;
    lookInto(walk, memberType(btf, type, i), { ...at, offset, path, hidden }, depth + 1);
  }
}

function lookAtPointer({ btf, owner, found }: Walk, pointer: number, at: At): void {
  const tags: string[] = [];
  let isOrdered = true;
  let type = targetOf(btf, pointer);
  let behind = false;
  for (let steps = 0; isTransparent(kindOf(btf, type)) && steps < MAX_DEPTH; steps++) {
    // A tag with kind_flag is an attribute of C and none of these.
    if (kindOf(btf, type) !== KIND_TYPE_TAG) behind = true;
    else {
      if (behind) isOrdered = false;
      if (kindFlagOf(btf, type) === 0) tags.push(nameOf(btf, type));
    }
    type = targetOf(btf, type);
  }
  const own = tags.filter((tag) => POINTER_TAGS.has(tag));
  const [first] = own;
  if (first === undefined) return;
  const { hidden, ...place } = at;
  const name = nameOf(btf, type);
  found.push({
    ...owner,
    ...place,
    kind: POINTER_TAGS.get(first) as PointerKind,
    tags,
    pointee: { name, kind: kindOf(btf, type) },
    problem: pointerProblem(btf, type, { tags, own, isOrdered }, at),
  });
}

function pointerProblem(
  btf: Btf,
  pointee: number,
  {
    tags,
    own,
    isOrdered,
  }: { readonly tags: readonly string[]; readonly own: readonly string[]; readonly isOrdered: boolean },
  { hidden, offset }: At,
): FieldProblem | null {
  const listed = tags.join(", ");
  if (!isOrdered) {
    const text = `type tags (${listed}) stand behind a qualifier or a typedef: the kernel refuses the object's BTF`;
    return { code: "tag-order", text };
  }
  if (hidden !== null) return notSeen(hidden);
  if (offset % POINTER_BYTES !== 0) {
    return {
      code: "misaligned",
      text: `at ${offset} bytes, which ${POINTER_BYTES} do not divide, the kernel does not see it`,
    };
  }
  if (tags.length > 1) {
    return { code: "several-tags", text: `it has several type tags (${listed}), which kernels as late as 6.18 refuse` };
  }
  if (own[0] === OLD_TAG) {
    return { code: "old-tag", text: `kptr_ref is called kptr since Linux 6.4 (and kptr, kptr_untrusted)` };
  }
  const kind = kindOf(btf, pointee);
  if (kind === KIND_STRUCT) return null;
  const what = kind === KIND_FWD ? "a struct that is only declared" : kindWords(kind);
  return { code: "not-a-struct", text: `it points to ${what}, and only a struct will do` };
}

function notSeen(hidden: string): FieldProblem {
  return { code: "not-seen", text: `${hidden} the kernel does not see it` };
}

/** Through what is no tag; the words for what it was, or null for nothing. */
function unqualified(btf: Btf, id: number): [type: number, qualifier: string | null] {
  let type = id;
  let qualifier: string | null = null;
  for (let steps = 0; isTransparent(kindOf(btf, type)) && steps < MAX_DEPTH; steps++) {
    qualifier ??= kindWords(kindOf(btf, type));
    type = targetOf(btf, type);
  }
  return [type, qualifier];
}

/** The kernel counts all that it sees, and refuses the map where there are more than it has room for. */
function withLimit(fields: readonly KernelField[]): KernelField[] {
  const count = fields.reduce((sum, one) => sum + (one.problem === null ? one.count : 0), 0);
  if (count <= MOST_FIELDS) return [...fields];
  const problem: FieldProblem = {
    code: "too-many",
    text: `there are ${count} such fields, and the kernel takes ${MOST_FIELDS} in one`,
  };
  return fields.map((field) => (field.problem === null ? { ...field, problem } : field));
}
