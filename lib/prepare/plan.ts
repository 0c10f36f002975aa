import type { AttachKind } from "../core/attach-targets.ts";
import type { ReloRecord } from "../core/resolve.ts";
import type { Extern } from "./externs.ts";
import type { KernelNeed } from "./kernel-needs.ts";
import type { ProgramType } from "./program-type.ts";

/** Where a map comes from. */
export type MapOrigin = "declared" | "data" | "rodata" | "bss" | "kconfig" | "struct_ops";

/** A map to create, as BPF_MAP_CREATE takes it. Sizes are bytes. */
export interface PlannedMap {
  /** As declared; of data sections as the loader names them (libbpf.c, internal_map_name). */
  readonly name: string;
  readonly origin: MapOrigin;
  /** The ELF section; `.maps` for a declared one. */
  readonly section: string;
  /** `enum bpf_map_type`. */
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  /** True where the number of possible CPUs is the number of entries. */
  readonly entryPerCpu: boolean;
  readonly flags: number;
  readonly extra: bigint;
  readonly numaNode: number;
  /** Pinned under its name. */
  readonly pinned: boolean;
  /** Types in the object's BTF; 0 for none, or where a kernel takes none for maps of the type. */
  readonly keyTypeId: number;
  readonly valueTypeId: number;
  /** For struct_ops: the value's type in the target's BTF; else, and where it is not known, 0. */
  readonly kernelTypeId: number;
  /** What maps in this map look like. */
  readonly inner: PlannedMap | null;
  /** Index of the map or program to put into each place; null for an empty one. */
  readonly slots: readonly (number | null)[];
  /**
   * Contents of entry 0; null for none. For struct_ops the object's own struct, which is laid out as the kernel has it, and
   * filled in, when the map is attached.
   */
  readonly contents: Uint8Array | null;
  /** Frozen once filled: programs and user space read only. */
  readonly frozen: boolean;
  /** False for one whose section's name starts with `?`. */
  readonly autocreate: boolean;
}

/** An instruction that is not yet what a kernel takes. */
export type Reference =
  | { readonly kind: "map"; readonly insn: number; readonly map: number }
  /** A place in a map's value: `offset` bytes in. */
  | { readonly kind: "map-value"; readonly insn: number; readonly map: number; readonly offset: number }
  /** An address (typeless symbol), a variable's or a kfunc's type id, which only the running kernel has. */
  | { readonly kind: "ksym" | "typed-ksym" | "kfunc"; readonly insn: number; readonly extern: number };

/** A function's part of a program: the program's own code, or a subprogram's behind it. In instructions of 8 bytes. */
export interface ProgramPart {
  readonly name: string;
  /** Which of the object's functions it is: index into BpfObject.programs. */
  readonly index: number;
  readonly start: number;
  readonly count: number;
}

/** Records of func_info or line_info, as the kernel takes them: instruction offsets count instructions. */
export interface InfoRecords {
  readonly recordBytes: number;
  readonly words: Uint32Array;
}

/** A program to load, with the subprograms it needs. */
export interface PlannedProgram {
  readonly name: string;
  /** Without the `?` of one not loaded by default. */
  readonly section: string;
  /** Null where the section's name says nothing: whoever loads it must say. */
  readonly type: ProgramType | null;
  readonly typeNumber: number;
  /** `expected_attach_type`. */
  readonly attachType: number;
  /** The kernel's function or type it attaches to by its BTF id; null for none, or for one that is given at run time. */
  readonly attachTarget: PlannedTarget | null;
  /** `prog_flags`. */
  readonly flags: number;
  readonly autoload: boolean;
  /** In the object's byte order. Maps are BPF_PSEUDO_MAP_IDX and _IDX_VALUE: indexes into `Plan.maps`. */
  readonly instructions: Uint8Array;
  readonly references: readonly Reference[];
  readonly parts: readonly ProgramPart[];
  readonly functions: InfoRecords | null;
  readonly lines: InfoRecords | null;
  /** Instructions that CO-RE poisoned. */
  readonly poisoned: readonly number[];
}

/** What a program attaches to. */
export interface PlannedTarget {
  readonly kind: AttachKind;
  readonly name: string;
  readonly module: string | null;
  /** Its id in the target's own BTF; null without a target, or where it is not in it. */
  readonly typeId: number | null;
}

/**
 * An extern, and what became of it: `resolved` from what was given (a setting's value, a type's id in the target),
 * `absent` (a weak one that is not there: 0), or `needed`: only the running kernel knows it.
 */
export interface PlannedExtern extends Extern {
  readonly state: "resolved" | "absent" | "needed";
}

/** Everything a loader would do with an object, short of doing it. */
export interface Plan {
  readonly object: string;
  /** The object's name as the loader has it, which names of data maps start with. */
  readonly name: string;
  readonly littleEndian: boolean;
  readonly license: string;
  /** From the section `version`; 0 without. */
  readonly kernelVersion: number;
  /** The object's BTF to load; null for none. */
  readonly btf: Uint8Array | null;
  readonly maps: readonly PlannedMap[];
  readonly programs: readonly PlannedProgram[];
  readonly externs: readonly PlannedExtern[];
  /** What is still to be asked of the running kernel's BTF. */
  readonly needs: readonly KernelNeed[];
  /** Relocations as they were resolved; empty without a target. */
  readonly records: readonly ReloRecord[];
  /** True where CO-RE is applied; false where there was no target: instructions then hold the object's own numbers. */
  readonly relocated: boolean;
  /** Why a loader refuses the object, a sentence each; empty for one it takes. */
  readonly refusals: readonly string[];
}
