import { KIND_ARRAY } from "../btf/format.ts";
import { arrayElement, arrayLength, enumeratorName, memberBitOffset, memberName, memberType } from "../btf/members.ts";
import { resolveSize, skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { stringAt } from "../btf/strings.ts";
import { type Btf, isComposite, isEnum, kindName, kindOf, vlenOf } from "../btf/view.ts";
import { reloClass } from "./relo-kind.ts";

/** The longest access path, in elements (libbpf: BPF_CORE_SPEC_MAX_LEN). */
export const SPEC_MAX_LENGTH = 64;
/** `nameOffset` of an accessor that is an array index, not a named member. */
export const NO_NAME = 0;

/**
 * One meaningful step of an access path: a named member, an enumerator, or an array index (the first step of a field
 * path is one too: `s->x` is `s[0].x`). Anonymous members on the way are not steps.
 */
export interface Accessor {
  /** The struct, union or enum that the step goes into; for an array index the element type. */
  readonly typeId: number;
  /** Member, enumerator or element index. */
  readonly index: number;
  /** Name offset in the BTF's strings, or NO_NAME. */
  readonly nameOffset: number;
}

/** An access path in one BTF. */
export interface Spec {
  /** The type the path starts at, as the relocation or the candidate list has it (modifiers not looked through). */
  readonly rootId: number;
  /** Every element of the path, anonymous members included; for a local spec the access string itself. */
  readonly raw: readonly number[];
  readonly accessors: readonly Accessor[];
  /** Offset of the accessed field from the start of the root, in bits. */
  readonly bitOffset: number;
}

/** Why an access string makes no sense in the object it comes from. */
export interface SpecFailure {
  readonly reason: string;
}

/**
 * Reads an access string such as `0:1:2` against the object's own BTF (libbpf relo_core.c, bpf_core_parse_spec).
 * A string that does not fit its type is a value, not an exception: a loader reports it for this relocation.
 */
export function parseSpec(btf: Btf, kind: number, rootId: number, accessString: string): Spec | SpecFailure {
  const relo = reloClass(kind);
  if (accessString === "" || accessString.startsWith(":")) return { reason: "the access string is empty" };
  if (relo === "unknown") return { reason: `relocation kind ${kind} is not known` };
  if (relo === "type") {
    if (accessString !== "0") return { reason: `a type relocation has the access string "0", not "${accessString}"` };
    return { rootId, raw: [], accessors: [], bitOffset: 0 };
  }
  const raw = parseNumbers(accessString);
  if ("reason" in raw) return raw;
  const typeId = skipModifiersAndTypedefs(btf, rootId);
  return relo === "enumval" ? enumvalSpec(btf, rootId, typeId, raw) : fieldSpec(btf, rootId, typeId, raw);
}

const COLON = 0x3a;
const ZERO = 0x30;
const MAX_INDEX = 0x7fffffff;

/** Numbers separated by colons, as `sscanf("%d")` takes them: no sign, at most SPEC_MAX_LENGTH. */
function parseNumbers(accessString: string): number[] | SpecFailure {
  const numbers: number[] = [];
  let number = -1;
  for (let at = 0; at <= accessString.length; at++) {
    const code = at < accessString.length ? accessString.charCodeAt(at) : COLON;
    if (code === COLON && number >= 0) {
      if (numbers.length === SPEC_MAX_LENGTH) return { reason: `the path has more than ${SPEC_MAX_LENGTH} elements` };
      numbers.push(number);
      number = -1;
      continue;
    }
    const digit = code - ZERO;
    number = Math.max(number, 0) * 10 + digit;
    if (digit < 0 || digit > 9 || number > MAX_INDEX) return { reason: `"${accessString}" is not a list of numbers` };
  }
  return numbers;
}

function enumvalSpec(btf: Btf, rootId: number, typeId: number, raw: readonly number[]): Spec | SpecFailure {
  const index = raw[0] as number;
  if (!isEnum(kindOf(btf, typeId))) return { reason: `${kindName(kindOf(btf, typeId))} is no enum` };
  if (raw.length > 1) return { reason: "an enumerator's path has one element" };
  if (index >= vlenOf(btf, typeId)) return { reason: `enumerator ${index} of ${vlenOf(btf, typeId)}` };
  const accessor = { typeId, index, nameOffset: enumeratorName(btf, typeId, index) };
  return { rootId, raw, accessors: [accessor], bitOffset: 0 };
}

function fieldSpec(btf: Btf, rootId: number, start: number, raw: readonly number[]): Spec | SpecFailure {
  const first = raw[0] as number;
  const accessors: Accessor[] = [{ typeId: start, index: first, nameOffset: NO_NAME }];
  const rootSize = resolveSize(btf, start);
  if (rootSize < 0) return { reason: "the root type has no size" };
  let bitOffset = bitsOf(first, rootSize);
  let typeId = start;
  for (let i = 1; i < raw.length; i++) {
    const index = raw[i] as number;
    typeId = skipModifiersAndTypedefs(btf, typeId);
    const kind = kindOf(btf, typeId);
    if (isComposite(kind)) {
      if (index >= vlenOf(btf, typeId)) return { reason: `member ${index} of ${vlenOf(btf, typeId)}` };
      bitOffset = (bitOffset + memberBitOffset(btf, typeId, index)) >>> 0;
      const nameOffset = memberName(btf, typeId, index);
      if (nameOffset !== 0) {
        if (btf.strings[nameOffset] === 0) return { reason: `member ${index} has an empty name` };
        accessors.push({ typeId, index, nameOffset });
      }
      typeId = memberType(btf, typeId, index);
    } else if (kind === KIND_ARRAY) {
      const flexible = isFlexibleArray(btf, accessors[accessors.length - 1] as Accessor, typeId);
      if (!flexible && index >= arrayLength(btf, typeId)) {
        return { reason: `element ${index} of an array of ${arrayLength(btf, typeId)}` };
      }
      typeId = skipModifiersAndTypedefs(btf, arrayElement(btf, typeId));
      accessors.push({ typeId, index, nameOffset: NO_NAME });
      const size = resolveSize(btf, typeId);
      if (size < 0) return { reason: "the array's elements have no size" };
      bitOffset = (bitOffset + bitsOf(index, size)) >>> 0;
    } else {
      return { reason: `element ${i} of the path goes into ${kindName(kind)}, which has no members` };
    }
  }
  return { rootId, raw, accessors, bitOffset };
}

/** Bits of `index` elements of `size` bytes, in the 32 bits that libbpf keeps. */
export function bitsOf(index: number, size: number): number {
  return Math.imul(Math.imul(index, size), 8) >>> 0;
}

/**
 * A flexible array has no elements *and* is the last member of its struct; both must hold (libbpf: is_flex_arr).
 * `accessor` is the step that led to the array.
 */
export function isFlexibleArray(btf: Btf, accessor: Accessor, arrayId: number): boolean {
  if (accessor.nameOffset === NO_NAME || arrayLength(btf, arrayId) > 0) return false;
  return accessor.index === vlenOf(btf, accessor.typeId) - 1;
}

/** The name of an accessor's member or enumerator, decoded. */
export function accessorName(btf: Btf, accessor: Accessor): string {
  return stringAt(btf.strings, accessor.nameOffset);
}
