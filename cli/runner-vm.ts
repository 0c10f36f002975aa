import type { LoaderLine } from "../checker/loader-protocol.ts";
import type { Loader } from "../lib/loader/loader.ts";
import { runnerInitramfs } from "../vm/initramfs.ts";
import type { VmLine } from "../vm/protocol.ts";
import { runVm } from "../vm/qemu.ts";
import { RunError } from "./errors.ts";
import type { RunnerQuestion } from "./runner-process.ts";
import { readVmKernel, whyNotBootable } from "./vm-check.ts";

/** What a busy machine may take to boot a kernel in emulation, however short the time given is. */
const LEAST_SILENCE_MS = 60_000;

/** Has a kernel that is booted for it run a loader. Throws InputError, RunError or CouldNotRunError. */
export async function runnerInVm(
  loader: Loader,
  question: RunnerQuestion,
  silenceMs: number,
  path: string,
): Promise<LoaderLine> {
  const kernel = await readVmKernel(path);
  const reason = whyNotBootable(kernel);
  if (reason !== null) throw new RunError(`run-loader: ${reason}`);
  let answer: LoaderLine | null = null;
  const { instructions, data } = loader;
  await runVm({
    image: kernel.image,
    source: kernel.origin,
    initramfs: runnerInitramfs(import.meta.dirname, { instructions, data, question, silenceMs }),
    silenceMs: Math.max(silenceMs, LEAST_SILENCE_MS),
    onLine: (line: VmLine) => {
      if (line.type === "loader") answer = line;
    },
    onRestart: () => {
      answer = null;
    },
  });
  if (answer === null) throw new RunError(`${kernel.origin}: booted, it gave no answer`);
  return answer;
}
