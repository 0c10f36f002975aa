import {
  type Change,
  DIFF_KINDS,
  type DiffKind,
  type MemberChange,
  type MemberSide,
  type TypeChange,
  type TypeSide,
} from "../../lib/diff/change.ts";
import type { Plain } from "./data.ts";

/** What the page shows of a type. */
export interface PageType
  extends Pick<TypeChange, "kind" | "name" | "status" | "modules" | "definitions" | "isConsequence" | "reachedFrom"> {
  readonly old: PageSide | null;
  readonly new: PageSide | null;
  readonly changes: readonly PageChange[];
}

/** A type on one side. */
export type PageSide = Pick<TypeSide, "size" | "declaration">;
/** A member on one side. */
export type PageMember = Pick<MemberSide, "declaration" | "bitOffset" | "size" | "group">;
type OtherChange = Plain<Exclude<Change, MemberChange>>;
/** A difference. */
export type PageChange =
  | OtherChange
  | (Pick<MemberChange, "what" | "status" | "how"> & {
      readonly old: PageMember | null;
      readonly new: PageMember | null;
    });

/**
 * A type as an array in the page's data: of 22,000 types between two kernels, names of properties would be most. A
 * declaration of 0 is that of the old side.
 */
export type PackedType = readonly [
  kind: number,
  status: number,
  name: string,
  old: PackedSide | 0,
  new: PackedSide | 0,
  changes?: readonly (PackedMember | OtherChange)[],
  rest?: Partial<Pick<PageType, "modules" | "definitions" | "isConsequence" | "reachedFrom">>,
];
type PackedSide = readonly [declaration: string | 0, size: number | null];
type PackedMember = readonly [status: number, how: readonly string[], old: PackedField | 0, new: PackedField | 0];
type PackedField = readonly [declaration: string | 0, bitOffset: number, size: number | null, group?: string];

const STATUSES = ["added", "removed", "changed"] as const;

/** A type with what the page shows of it. */
export function packType(type: TypeChange): PackedType {
  const { kind, name, status, old, new: now, changes, modules, definitions, isConsequence, reachedFrom } = type;
  const rest: PackedType[6] = {
    ...((modules.length !== 1 || modules[0] !== "") && { modules }),
    ...((definitions.old > 1 || definitions.new > 1) && { definitions }),
    ...(isConsequence && { isConsequence }),
    ...(reachedFrom !== null && { reachedFrom }),
  };
  const side = (one: TypeSide | null, other: TypeSide | null): PackedSide | 0 =>
    one === null ? 0 : [one.declaration === other?.declaration ? 0 : one.declaration, one.size];
  const head = [DIFF_KINDS.indexOf(kind), STATUSES.indexOf(status), name, side(old, null), side(now, old)] as const;
  const some = Object.keys(rest).length > 0;
  if (changes.length === 0 && !some) return head;
  const packed = changes.map((change) => (change.what === "member" ? packMember(change) : plain(change)));
  return some ? [...head, packed, rest] : [...head, packed];
}

function packMember({ status, how, old, new: now }: MemberChange): PackedMember {
  const side = (one: MemberSide | null, other: MemberSide | null): PackedField | 0 => {
    if (one === null) return 0;
    const declaration = one.declaration === other?.declaration ? 0 : one.declaration;
    const field = [declaration, one.bitOffset, one.size] as const;
    return one.group === "" ? field : [...field, one.group];
  };
  return [STATUSES.indexOf(status), how, side(old, null), side(now, old)];
}

/** Only enumerators have numbers that JSON does not: they are text. */
function plain(change: Exclude<Change, MemberChange>): OtherChange {
  if (change.what !== "enumerator") return change;
  const side = (one: typeof change.old) => (one === null ? null : { ...one, value: String(one.value) });
  return { ...change, old: side(change.old), new: side(change.new) };
}

/** The reverse of packType. */
export function unpackType([kind, status, name, old, now, changes = [], rest = {}]: PackedType): PageType {
  const before = old === 0 ? null : { declaration: old[0] === 0 ? "" : old[0], size: old[1] };
  const after = now === 0 ? null : { declaration: now[0] === 0 ? (before?.declaration ?? "") : now[0], size: now[1] };
  return {
    kind: DIFF_KINDS[kind] as DiffKind,
    name,
    status: STATUSES[status] ?? "changed",
    old: before,
    new: after,
    changes: changes.map((change) => ("what" in change ? change : unpackMember(change))),
    modules: rest.modules ?? [""],
    definitions: rest.definitions ?? { old: before === null ? 0 : 1, new: after === null ? 0 : 1 },
    isConsequence: rest.isConsequence ?? false,
    reachedFrom: rest.reachedFrom ?? null,
  };
}

function unpackMember([status, how, old, now]: PackedMember): PageChange {
  const side = (one: PackedField | 0, other: PageMember | null): PageMember | null => {
    if (one === 0) return null;
    const [declaration, bitOffset, size, group = ""] = one;
    return { declaration: declaration === 0 ? (other?.declaration ?? "") : declaration, bitOffset, size, group };
  };
  const before = side(old, null);
  const after = side(now, before);
  return {
    what: "member",
    status: STATUSES[status] ?? "changed",
    how: how as MemberChange["how"],
    old: before,
    new: after,
  };
}
