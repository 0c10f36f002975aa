import { KIND_ARRAY, KIND_ENUM, KIND_ENUM64, KIND_FUNC_PROTO, KIND_PTR, KIND_STRUCT } from "../btf/format.ts";
import { arrayElement, arrayLength, enumeratorBits, memberName, memberType } from "../btf/members.ts";
import { resolveSize, skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { stringAt } from "../btf/strings.ts";
import { type Btf, kindName, kindOf, targetOf, vlenOf } from "../btf/view.ts";
import { isMapInMap, mapTypeNumber } from "./map-type.ts";

/** What a struct in `.maps` says of a map. */
export interface MapDefinition {
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly keyTypeId: number;
  readonly valueTypeId: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly numaNode: number;
  readonly extra: bigint;
  readonly pinned: boolean;
  readonly inner: MapDefinition | null;
}

type Draft = { -readonly [K in keyof MapDefinition]: MapDefinition[K] };

/** A definition, or why a loader refuses it. */
export type ReadDefinition = MapDefinition | { readonly refusal: string };

const MAP_BYTES = 4;

/** Members whose number is the length of an array that they point to (`__uint`). */
const NUMBERS: Readonly<Record<string, "type" | "maxEntries" | "flags" | "numaNode">> = {
  type: "type",
  max_entries: "maxEntries",
  map_flags: "flags",
  numa_node: "numaNode",
};

/**
 * Reads a map's definition: a struct whose members' types are numbers and types (libbpf.c, parse_btf_map_def). Unknown
 * members are refused, as a loader does unless it is told otherwise.
 */
export function readDefinition(btf: Btf, struct: number, isInner = false): ReadDefinition {
  const draft: Draft = {
    type: 0,
    keySize: 0,
    valueSize: 0,
    keyTypeId: 0,
    valueTypeId: 0,
    maxEntries: 0,
    flags: 0,
    numaNode: 0,
    extra: 0n,
    pinned: false,
    inner: null,
  };
  const count = vlenOf(btf, struct);
  for (let i = 0; i < count; i++) {
    const name = stringAt(btf.strings, memberName(btf, struct, i));
    const refusal = readMember(btf, draft, name, memberType(btf, struct, i), isInner, i === count - 1);
    if (refusal !== null) return { refusal: isInner ? `inner map: ${refusal}` : refusal };
  }
  if (draft.type === 0) return { refusal: "map type isn't specified" };
  return draft;
}

function readMember(
  btf: Btf,
  draft: Draft,
  name: string,
  type: number,
  isInner: boolean,
  isLast: boolean,
): string | null {
  const field = NUMBERS[name];
  if (field !== undefined) {
    const number = uintOf(btf, type);
    if (number === null) return `attr '${name}' is no number`;
    draft[field] = number;
    return null;
  }
  switch (name) {
    case "key_size":
    case "value_size":
      return setSize(draft, name === "key_size" ? "keySize" : "valueSize", uintOf(btf, type));
    case "key":
    case "value": {
      if (kindOf(btf, type) !== KIND_PTR) return `${name} spec is not PTR: ${kindName(kindOf(btf, type))}`;
      const size = resolveSize(btf, targetOf(btf, type));
      if (size < 0) return `can't determine ${name} size for type [${targetOf(btf, type)}]`;
      draft[name === "key" ? "keyTypeId" : "valueTypeId"] = targetOf(btf, type);
      return setSize(draft, name === "key" ? "keySize" : "valueSize", size);
    }
    case "values":
      return readValues(btf, draft, type, isInner, isLast);
    case "pinning": {
      if (isInner) return "inner def can't be pinned";
      const pinning = uintOf(btf, type);
      if (pinning !== 0 && pinning !== 1) return `invalid pinning value ${pinning}`;
      draft.pinned = pinning === 1;
      return null;
    }
    case "map_extra": {
      const extra = ulongOf(btf, type);
      if (extra === null) return "attr 'map_extra' is no number";
      draft.extra = extra;
      return null;
    }
    default:
      return `unknown field '${name}'`;
  }
}

function setSize(draft: Draft, field: "keySize" | "valueSize", size: number | null): string | null {
  const what = field === "keySize" ? "key" : "value";
  if (size === null) return `attr '${what}_size' is no number`;
  if (draft[field] !== 0 && draft[field] !== size) return `conflicting ${what} size ${draft[field]} != ${size}`;
  draft[field] = size;
  return null;
}

/** `values`: an array without length of pointers to a map's definition, or to a program's prototype. */
function readValues(btf: Btf, draft: Draft, type: number, isInner: boolean, isLast: boolean): string | null {
  const holdsPrograms = draft.type === mapTypeNumber("prog_array");
  if (isInner) return "multi-level inner maps not supported";
  if (!isLast) return "'values' member should be last";
  if (!isMapInMap(draft.type) && !holdsPrograms) return "should be map-in-map or prog-array";
  const conflict = setSize(draft, "valueSize", MAP_BYTES);
  if (conflict !== null) return conflict;
  if (kindOf(btf, type) !== KIND_ARRAY || arrayLength(btf, type) !== 0) return "'values' is not a zero-sized array";
  const pointer = skipModifiersAndTypedefs(btf, arrayElement(btf, type));
  if (kindOf(btf, pointer) !== KIND_PTR) return "'values' are no pointers";
  const pointee = skipModifiersAndTypedefs(btf, targetOf(btf, pointer));
  if (holdsPrograms) return kindOf(btf, pointee) === KIND_FUNC_PROTO ? null : "'values' are no functions";
  if (kindOf(btf, pointee) !== KIND_STRUCT) return "'values' are no map definitions";
  const inner = readDefinition(btf, pointee, true);
  if ("refusal" in inner) return inner.refusal;
  draft.inner = inner;
  return null;
}

/** `__uint(name, n)`: a pointer to an array of n. */
function uintOf(btf: Btf, type: number): number | null {
  const pointer = skipModifiersAndTypedefs(btf, type);
  if (kindOf(btf, pointer) !== KIND_PTR) return null;
  const array = targetOf(btf, pointer);
  return kindOf(btf, array) === KIND_ARRAY ? arrayLength(btf, array) : null;
}

/** `__ulong(name, n)`: an enum of one value; or as `__uint`. */
function ulongOf(btf: Btf, type: number): bigint | null {
  const at = skipModifiersAndTypedefs(btf, type);
  const kind = kindOf(btf, at);
  if (kind === KIND_PTR) {
    const number = uintOf(btf, type);
    return number === null ? null : BigInt(number);
  }
  if ((kind !== KIND_ENUM && kind !== KIND_ENUM64) || vlenOf(btf, at) !== 1) return null;
  return enumeratorBits(btf, at, 0);
}
