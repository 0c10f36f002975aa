import type { BtfSide, LoadPass, LoadRun } from "../lib/verify/loader-run.ts";
import { loadObject, type Natives, type OpenRequest, programNames, relocateObject } from "./load-object.ts";
import type { NativeLevel } from "./protocol.ts";
import { weakenExterns } from "./weaken.ts";

/** One object of a request, read. */
export interface CheckObject {
  readonly index: number;
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Paths of the raw BTF. */
  readonly btf: Readonly<Record<BtfSide, string>>;
}

/** Where results go, as soon as they are there. */
export interface Told {
  step(side: BtfSide, pass: LoadPass, program: string | null): void;
  run(run: LoadRun): void;
}

const SIDES: readonly BtfSide[] = ["full", "small"];
const NOBODY: ReadonlySet<string> = new Set();

/**
 * Opens one object again and again, with full and with small BTF in turn: relocated as a whole, and program by program
 * where libbpf refuses that; at level `kernel` also loaded, each program by itself, then all that the kernel took, then
 * one by one from the last to the first. Nothing that one opening leaves behind can help another.
 */
export function checkObject(natives: Natives, level: NativeLevel, object: CheckObject, told: Told): void {
  const { bytes, name, btf } = object;
  const one = (
    work: typeof loadObject,
    side: BtfSide,
    pass: LoadPass,
    program: string | null,
    only: ReadonlySet<string> = NOBODY,
  ): LoadRun => {
    told.step(side, pass, program);
    const request: OpenRequest = {
      object: object.index,
      side,
      pass,
      program,
      bytes,
      name,
      btf: btf[side],
      weakened: false,
      only,
    };
    const run = work(natives, request);
    if (pass !== "relocate" || run.ok || !isForExtern(run)) return run;
    const weak = weakenExterns(bytes);
    return weak === null ? run : work(natives, { ...request, bytes: weak, weakened: true });
  };
  const programs = programNames(natives, bytes, name, btf.full);
  const relocate = (program: string | null): boolean => {
    const runs = SIDES.map((side) => one(relocateObject, side, "relocate", program));
    for (const run of runs) told.run(run);
    return runs.every(({ ok }) => ok);
  };
  // Where one program's relocation is refused, the others' are to be seen all the same.
  if (!relocate(null) && programs.length > 1) for (const program of programs) relocate(program);
  if (level !== "kernel") return;
  const accepted: Record<BtfSide, Set<string>> = { full: new Set(), small: new Set() };
  for (const program of programs) {
    for (const side of SIDES) {
      const run = one(loadObject, side, "alone", program);
      if (run.ok) accepted[side].add(program);
      told.run(run);
    }
  }
  const both = new Set([...accepted.full].filter((program) => accepted.small.has(program)));
  if (programs.length < 2) return;
  if (both.size > 0) for (const side of SIDES) told.run(one(loadObject, side, "together", null, both));
  for (const program of [...programs].reverse()) {
    for (const side of SIDES) told.run(one(loadObject, side, "reverse", program));
  }
}

/** What libbpf says of a symbol that the kernel lacks, before it relocates anything (libbpf.c, resolve_externs). */
function isForExtern({ warnings }: LoadRun): boolean {
  return warnings.some((text) => /\bextern\b|ksym|kconfig/i.test(text));
}
