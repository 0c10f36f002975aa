/**
 * Runs the checker (checker/protocol.ts): in a child process, as the native library that it calls may crash or hang,
 * with its input in a temporary directory that is gone afterwards, whatever happens.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { inScratch, watchChild } from "../../checker/parent.ts";
import type { AnswerLine, CannotRun, CheckRequest, HelloLine, NativeLevel, StepLine } from "../../checker/protocol.ts";
import { runOfLine } from "../../checker/protocol.ts";
import type { BtfVerdict, LoadRun } from "../../lib/verify/loader-run.ts";
import { RunError } from "../errors.ts";

/** What to have checked. */
export interface NativeCheck {
  readonly level: NativeLevel;
  /** Raw BTF. */
  readonly full: Uint8Array;
  readonly small: Uint8Array;
  /** The files' bytes, in the order of the request. */
  readonly objects: readonly Uint8Array[];
  /** How long the checker may say nothing, in milliseconds. */
  readonly silenceMs: number;
}

/** An object at which the checker ended early. */
export interface Broken {
  readonly object: number;
  /** What was being asked; null before the first question. */
  readonly step: Omit<StepLine, "type"> | null;
  /** `killed by SIGSEGV`, `no answer for 60 s`. */
  readonly how: string;
}

/** Everything that the checker said. */
export interface NativeAnswer {
  readonly machine: Omit<HelloLine, "type" | "cannot">;
  readonly cannot: CannotRun | null;
  /** Null where the kernel was not asked. */
  readonly btf: BtfVerdict | null;
  readonly runs: readonly LoadRun[];
  readonly broken: readonly Broken[];
}

const CHECKER_FILE = "checker.cjs";

/** Has everything checked on this machine. An object at which the checker dies or falls silent is passed over. */
export function checkOnHost(check: NativeCheck): Promise<NativeAnswer> {
  return inScratch("btfgen-check-", async (directory, started) => {
    const request = writeInputs(directory, check);
    const path = join(directory, "request.json");
    const answer = new Collected();
    for (let from = 0; ; ) {
      writeFileSync(path, JSON.stringify({ ...request, from }));
      const ended = await watchChild({
        node: process.execPath,
        file: join(import.meta.dirname, CHECKER_FILE),
        request: path,
        silenceMs: check.silenceMs,
        onLines: (lines) => {
          for (const line of lines) answer.take(JSON.parse(line) as AnswerLine);
        },
        started,
      });
      if (answer.isComplete) return answer.result();
      from = answer.breakOff(ended) + 1;
    }
  });
}

function writeInputs(directory: string, check: NativeCheck): CheckRequest {
  const write = (name: string, bytes: Uint8Array): string => {
    const path = join(directory, name);
    writeFileSync(path, bytes);
    return path;
  };
  return {
    level: check.level,
    full: write("full.btf", check.full),
    small: write("small.btf", check.small),
    objects: check.objects.map((bytes, i) => ({ name: `object${i}`, path: write(`object${i}.o`, bytes) })),
    from: 0,
    libbpf: process.env.BTFGEN_LIBBPF ?? null,
  };
}

/** The answer as it comes in, over one or several runs of the checker. */
export class Collected {
  machine: HelloLine | null = null;
  btf: BtfVerdict | null = null;
  readonly runs: LoadRun[] = [];
  readonly broken: Broken[] = [];
  object: number | null = null;
  step: StepLine | null = null;
  isComplete = false;

  take(line: AnswerLine): void {
    switch (line.type) {
      case "hello":
        this.machine = line;
        this.object = null;
        this.step = null;
        break;
      case "btf": {
        const { accepted, errno, log } = line;
        this.btf = { accepted, errno, log };
        break;
      }
      case "object":
        this.object = line.object;
        this.step = null;
        break;
      case "step":
        this.step = line;
        break;
      case "run":
        this.runs.push(runOfLine(line));
        break;
      case "end":
        this.isComplete = true;
        break;
    }
  }

  /** The checker ended early: gives the object at which, to be passed over. Before the first there is none: RunError. */
  breakOff(how: string): number {
    const { object, step } = this;
    if (object === null) throw new RunError(`verify: the checker failed: ${how}`);
    this.broken.push({ object, step, how });
    // One that does not come as far as this is not started again and again.
    this.object = null;
    return object;
  }

  result(): NativeAnswer {
    if (this.machine === null) throw new RunError("verify: the checker did not say who it is");
    const { kernel, arch, libbpf, cannot } = this.machine;
    return { machine: { kernel, arch, libbpf }, cannot, btf: this.btf, runs: this.runs, broken: this.broken };
  }
}
