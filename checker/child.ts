/** What the checker and the runner do as child processes. */
import { writeSync } from "node:fs";
import type { LoaderLine } from "./loader-protocol.ts";
import type { Koffi } from "./native.ts";
import type { AnswerLine } from "./protocol.ts";

const STDOUT = 1;
/** prctl(2). */
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/** Whoever asked may be killed without a chance to end this process. */
export function dieWithParent(koffi: Koffi): void {
  koffi.load("libc.so.6").func("int prctl(int option, unsigned long value)")(PR_SET_PDEATHSIG, SIGKILL);
}

/** Says a line as soon as it is known: the next call into a library may be the last. */
export function tell(line: AnswerLine | LoaderLine): void {
  let rest = Buffer.from(`${JSON.stringify(line)}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(STDOUT, rest));
    } catch (error) {
      // A pipe that is full for now.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
