/** A kernel's word on which of its functions tracing programs may attach to; the kernel runs in a machine of its own. */
import { readFileSync } from "node:fs";
import { askBooted, buildStatic } from "./booted.ts";

/** A function to ask about. */
export interface TrampolineQuestion {
  readonly typeId: number;
  readonly attach: boolean;
}

/** What the kernel answers: errnos, 0 for success; `attach` is -1 where it was not asked for or loading failed. */
export interface TrampolineAnswer {
  readonly load: number;
  readonly attach: number;
  /** The first line of the verifier's log where loading failed. */
  readonly log: string;
}

/** The kernel's errno for what an architecture's code generator does not do; it has no name in user space. */
export const ENOTSUPP = 524;

/** Boots a kernel and asks it about functions, in order. */
export function askBootedKernel(image: Uint8Array, questions: readonly TrampolineQuestion[]): TrampolineAnswer[] {
  const built = buildStatic("trampoline");
  if ("missing" in built) throw new Error(built.missing);
  const lines = questions.map(({ typeId, attach }) => `${typeId} fentry ${attach ? "attach" : "load"}`);
  return askBooted(image, readFileSync(built.path), lines).map((line) => {
    const [, load, attach, log = ""] = /^(\d+) (-?\d+) (.*)$/.exec(line) ?? [];
    return { load: Number(load), attach: Number(attach), log };
  });
}
