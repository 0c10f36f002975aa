/**
 * A diff of two BTFs as plain data, made by `diffTypes` and read by whatever prints it. Names and types are text as C
 * has it; offsets and widths are bits, sizes are bytes. The order of everything is by kind, name and content, never by
 * type id, so that two BTFs with the same types in another order have the same diff with any third.
 */

/** The kinds in the order a diff lists them: see DiffKind. */
export const DIFF_KINDS = [
  "module",
  "struct",
  "union",
  "enum",
  "typedef",
  "func",
  "var",
  "int",
  "float",
  "datasec",
] as const;

/**
 * What can stand for itself in a diff. All other kinds are seen through what refers to them. A `module` is all of one that
 * only one side has; its types are there too.
 */
export type DiffKind = (typeof DIFF_KINDS)[number];

/** A diff of two BTFs, each with or without modules. */
export interface TypesDiff {
  readonly old: DiffInput;
  readonly new: DiffInput;
  /** Types that differ, by kind, name and content; empty where the two are the same. */
  readonly types: readonly TypeChange[];
}

/** One side of a diff. */
export interface DiffInput {
  /** The base's file, for people. */
  readonly source: string;
  /** Types of base and modules, void left out. */
  readonly types: number;
  /** Names of the modules behind the base, sorted. */
  readonly modules: readonly string[];
}

/** One type that differs. An ENUM and an ENUM64 are both an `enum`; a FWD is the struct or union it declares. */
export interface TypeChange {
  readonly kind: DiffKind;
  /** Empty for an anonymous enum that nothing refers to: it only names numbers. */
  readonly name: string;
  readonly status: "added" | "removed" | "changed";
  /** Null where it was added. */
  readonly old: TypeSide | null;
  /** Null where it was removed. */
  readonly new: TypeSide | null;
  /** Modules whose own types have this very change, sorted; `""` is the base. A base alone: `[""]`. */
  readonly modules: readonly string[];
  /** Definitions of this kind and name on each side: more than one where a kernel has several of one name. */
  readonly definitions: { readonly old: number; readonly new: number };
  /**
   * True where all that is different comes from the size of what the type is made of: members moved or grew, none came,
   * went, or got another type, name, width or group.
   */
  readonly isConsequence: boolean;
  /** What differs, in the order of the declaration. Of an added or removed type its members, where they are asked for. */
  readonly changes: readonly Change[];
  /** Named types that hold this one by value, also inside others, in NEW (OLD where removed); null when not asked for. */
  readonly reachedFrom: number | null;
}

/** A type on one side. */
export interface TypeSide {
  /** Id in the view it was parsed into; 0 for a module. */
  readonly id: number;
  /** Id in its own file: the same but in the second and later modules. */
  readonly fileId: number;
  /** Bytes; null for what has no size: functions, a forward declaration, a typedef of void. */
  readonly size: number | null;
  /** Members, enumerators, parameters or variables; of a module its types. */
  readonly count: number;
  /** C, without the body: `struct task_struct`, `typedef int pid_t`, `int kill_pid(struct pid *pid, int sig)`. */
  readonly declaration: string;
}

/** One difference of a type. `old` and `new` swap when the diff is made the other way round. */
export type Change =
  | SizeChange
  | DefinitionChange
  | MemberChange
  | EnumeratorChange
  | SignChange
  | TargetChange
  | LinkageChange
  | ParameterChange
  | EncodingChange
  | PlaceChange
  | TagChange
  | OrderChange;

/** Bytes: of a struct or union, the width of an enum, an int, float or section. */
export interface SizeChange {
  readonly what: "size";
  readonly old: number;
  readonly new: number;
}

/** A struct or union that is only declared on one side (a FWD). */
export interface DefinitionChange {
  readonly what: "definition";
  readonly old: "declared" | "defined";
  readonly new: "declared" | "defined";
}

/** In which ways a member that is there on both sides differs. */
export type MemberDifference =
  /** Another offset. */
  | "moved"
  /** Another type, by its spelling; an anonymous struct's content does not count, its members are listed themselves. */
  | "retyped"
  /** Another name at the same offset with the same type, between neighbours that are where they were. */
  | "renamed"
  /** A bitfield of another width, or a bitfield on one side only. */
  | "bitfield"
  /** In another nesting of anonymous structs and unions. */
  | "regrouped"
  /** The same type, which has another size. */
  | "resized";

/** A member of a struct or union; those of anonymous structs and unions in it are its own. */
export interface MemberChange {
  readonly what: "member";
  readonly status: "added" | "removed" | "changed";
  /** Empty unless `changed`. */
  readonly how: readonly MemberDifference[];
  readonly old: MemberSide | null;
  readonly new: MemberSide | null;
}

/** A member on one side. */
export interface MemberSide {
  /** `tgid`, `se.load` for a member of the anonymous struct type of `se`, `a[].b` for one in an array of such. */
  readonly path: string;
  /** Bits from the start of the outermost struct. */
  readonly bitOffset: number;
  /** Width in bits; 0 for what is no bitfield. */
  readonly bitfieldSize: number;
  /** Bytes of its type; null where it has none that can be told. */
  readonly size: number | null;
  /** C: `struct list_head`, `int (*)(void *)`; the body of an anonymous one stands as `{...}`. */
  readonly type: string;
  /** C, with the path for a name: `struct list_head tasks`, `int sk_backlog.len`, `unsigned int dumpable: 2`. */
  readonly declaration: string;
  /** Anonymous structs and unions without a name of their own that it lies in, outermost first: `union struct`. */
  readonly group: string;
}

/** An enumerator. A decimal value: 64 bits are too many for a number. */
export interface EnumeratorChange {
  readonly what: "enumerator";
  readonly status: "added" | "removed" | "revalued" | "renamed";
  readonly old: EnumeratorSide | null;
  readonly new: EnumeratorSide | null;
}

/** An enumerator on one side. */
export interface EnumeratorSide {
  readonly name: string;
  readonly value: bigint;
}

/** Whether an enum's values are signed. */
export interface SignChange {
  readonly what: "signedness";
  readonly old: "signed" | "unsigned";
  readonly new: "signed" | "unsigned";
}

/** What a typedef stands for, a variable's type, or what a function returns. */
export interface TargetChange {
  readonly what: "target" | "type" | "returns";
  readonly old: string;
  readonly new: string;
}

/** A function's or variable's linkage: `static`, `global`, `extern`. */
export interface LinkageChange {
  readonly what: "linkage";
  readonly old: string;
  readonly new: string;
}

/** A parameter of a function. `retyped` may be renamed too; `position` counts from 0, on the side where it is. */
export interface ParameterChange {
  readonly what: "parameter";
  readonly status: "added" | "removed" | "retyped" | "renamed" | "moved";
  readonly old: ParameterSide | null;
  readonly new: ParameterSide | null;
}

/** A parameter on one side. */
export interface ParameterSide {
  readonly position: number;
  /** Empty where BTF has none. */
  readonly name: string;
  /** C; `...` for a variable number of arguments. */
  readonly type: string;
}

/** An integer's encoding: `signed`, `char`, `bool`, or the bits it has. */
export interface EncodingChange {
  readonly what: "encoding";
  readonly old: string;
  readonly new: string;
}

/** Where a variable lies; null where no section has it. */
export interface PlaceChange {
  readonly what: "place";
  readonly old: PlaceSide | null;
  readonly new: PlaceSide | null;
}

/** A variable's place on one side, in bytes. */
export interface PlaceSide {
  readonly section: string;
  readonly offset: number;
  readonly size: number;
}

/** A declaration tag (`__attribute__((btf_decl_tag("...")))`). */
export interface TagChange {
  readonly what: "tag";
  readonly status: "added" | "removed";
  readonly tag: string;
  /** The member or parameter it is on (`#2` for one without a name); null for the type itself. */
  readonly on: string | null;
}

/** The same members, enumerators or groups at the same places, declared in another order or nesting. */
export interface OrderChange {
  readonly what: "order";
}

/** How many types differ and how. */
export interface DiffCounts {
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  /** Of the changed ones, those that differ only as a consequence of other types' sizes. */
  readonly consequences: number;
}

/** Counts by kind; every kind is there. */
export function countChanges(types: readonly TypeChange[]): Readonly<Record<DiffKind, DiffCounts>> {
  const none = { added: 0, removed: 0, changed: 0, consequences: 0 };
  const counts = Object.fromEntries(DIFF_KINDS.map((kind) => [kind, { ...none }])) as Record<DiffKind, typeof none>;
  for (const { kind, status, isConsequence } of types) {
    counts[kind][status]++;
    if (isConsequence) counts[kind].consequences++;
  }
  return counts;
}
