/**
 * What the checker is asked and what it answers. It is a program of its own (`checker.cjs REQUEST`), since the native
 * library it calls may crash or hang, and since the same program runs inside a virtual machine: the request is a JSON
 * file which names others, the answer is lines of JSON on standard output, each written as soon as it is known.
 */
import type { AppendedCode, BtfVerdict, LoadedProgram, LoadRun } from "../lib/verify/loader-run.ts";

/** The levels that need a kernel, each with those before it. */
export type NativeLevel = "btf-load" | "libbpf" | "kernel";

/** Their order. */
export const NATIVE_LEVELS: readonly NativeLevel[] = ["btf-load", "libbpf", "kernel"];

/** What to do: a JSON file. Paths are absolute, or relative to the directory that the checker runs in. */
export interface CheckRequest {
  /** How far to go. */
  readonly level: NativeLevel;
  /** Raw BTF, in the byte order of the machine. */
  readonly full: string;
  readonly small: string;
  /** BPF ELF objects; `name` is what libbpf is told (letters, digits, `_` and `.` do well). */
  readonly objects: readonly { readonly name: string; readonly path: string }[];
  /** Index of the first object to take; those before it were done by an earlier run. The BTF is asked for at 0 only. */
  readonly from: number;
  /** A library to load instead of the system's libbpf.so.1: a name or a path. */
  readonly libbpf: string | null;
}

/** A level that cannot run, and why: what is missing, and what to do about it. */
export interface CannotRun {
  readonly level: NativeLevel;
  readonly reason: string;
}

/** First line: who answers. */
export interface HelloLine {
  readonly type: "hello";
  /** `uname -r` and Node's name of the architecture. */
  readonly kernel: string;
  readonly arch: string;
  /** `1.1.2`; null where it could not be loaded. */
  readonly libbpf: string | null;
  /** The lowest level that cannot run here; null when all those asked for can. */
  readonly cannot: CannotRun | null;
}

/** The kernel's word on the small BTF. */
export interface BtfLine extends BtfVerdict {
  readonly type: "btf";
}

/** An object is taken up: what follows, also a crash, is about it. */
export interface ObjectLine {
  readonly type: "object";
  readonly object: number;
}

/** What is being asked now, so that a crash or a hang has a name. */
export interface StepLine extends Pick<LoadRun, "side" | "pass" | "program"> {
  readonly type: "step";
}

/** A program of a run; its code is base64. */
export interface ProgramLine {
  readonly name: string;
  readonly section: string;
  readonly code: string | null;
  readonly appended: readonly AppendedCode[];
  readonly loaded: LoadedProgram | null;
}

/** One opening of an object is over. */
export interface RunLine extends Omit<LoadRun, "programs"> {
  readonly type: "run";
  readonly programs: readonly ProgramLine[];
}

/** Last line: everything was asked. Without it the checker did not come to its end. */
export interface EndLine {
  readonly type: "end";
}

/** Any line of the answer. */
export type AnswerLine = HelloLine | BtfLine | ObjectLine | StepLine | RunLine | EndLine;

/** A run line as what it stands for. */
export function runOfLine({ type: _, programs, ...run }: RunLine): LoadRun {
  return {
    ...run,
    programs: programs.map((program) => ({
      ...program,
      code: program.code === null ? null : new Uint8Array(Buffer.from(program.code, "base64")),
    })),
  };
}

/** A run as its line. */
export function lineOfRun({ programs, ...run }: LoadRun): RunLine {
  return {
    type: "run",
    ...run,
    programs: programs.map((program) => ({
      ...program,
      code: program.code === null ? null : Buffer.from(program.code).toString("base64"),
    })),
  };
}
