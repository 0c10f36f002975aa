/**
 * What a loader and a kernel made of BPF objects, as plain data: the language between what asks them (the checker, on
 * this machine or in a virtual one) and what judges the answers (loader-code.ts, verdicts.ts).
 */

/** Which BTF the object was opened with. */
export type BtfSide = "full" | "small";

/**
 * How programs were taken together. `relocate`: no program is loaded, all of them are relocated (or the one named);
 * `alone`: one program is loaded; `together`: all those that the kernel took alone; `reverse`: one program is loaded,
 * the last one first.
 */
export type LoadPass = "relocate" | "alone" | "together" | "reverse";

/** A subprogram whose code stands behind its caller's. */
export interface AppendedCode {
  readonly name: string;
  /** In 8-byte slots. */
  readonly slots: number;
}

/** A program that was loaded, as the kernel counts it. */
export interface LoadedProgram {
  /** The kernel's id: what audit records (AUDIT_BPF, `prog-id=`) call it. */
  readonly id: number;
  /** SHA-1 of the code without what changes from load to load, first 8 bytes in hex. */
  readonly tag: string;
  /** Instructions that the verifier went through, all paths together; 0 where the kernel does not say. */
  readonly verifiedInstructions: number;
}

/** One program of a run, subprograms aside. */
export interface ProgramRun {
  readonly name: string;
  readonly section: string;
  /** Its code after relocation, subprograms behind it: in passes `relocate`. Null where it was not relocated. */
  readonly code: Uint8Array | null;
  /** What stands behind the program's own code, in order. */
  readonly appended: readonly AppendedCode[];
  /** Null where it is not loaded. */
  readonly loaded: LoadedProgram | null;
}

/** One opening of one object. */
export interface LoadRun {
  /** Index of the object. */
  readonly object: number;
  readonly side: BtfSide;
  readonly pass: LoadPass;
  /** The one program; null for several. */
  readonly program: string | null;
  /** True where all that was asked for came about. */
  readonly ok: boolean;
  /** The errno of opening or loading; 0 for none. */
  readonly errno: number;
  /** True where undefined symbols were made weak, as the loader refuses the object for them before it relocates. */
  readonly weakened: boolean;
  /** The loader's warnings. */
  readonly warnings: readonly string[];
  /** The end of the verifier's log of the program that was refused; empty where it said nothing. */
  readonly verifierLog: string;
  readonly programs: readonly ProgramRun[];
  /** What was changed of maps, a sentence each. */
  readonly mapChanges: readonly string[];
}

/** What the kernel said of a BTF. */
export interface BtfVerdict {
  readonly accepted: boolean;
  readonly errno: number;
  /** The end of the kernel's log; empty where it accepts. */
  readonly log: string;
}
