import type { LoaderLine } from "../../checker/loader-protocol.ts";
import { runnerInitramfs } from "../../vm/initramfs.ts";
import type { VmLine } from "../../vm/protocol.ts";
import { runVm } from "../../vm/qemu.ts";
import { RunError } from "../errors.ts";
import { machineSilence, readVmKernel, whyNotBootable } from "../verify/vm-check.ts";
import type { RunnerTask } from "./runner-process.ts";

/** Has a kernel that is booted for it run loaders. Throws InputError, RunError or CouldNotRunError. */
export async function runnerInVm(tasks: readonly RunnerTask[], silenceMs: number, path: string): Promise<LoaderLine[]> {
  const kernel = await readVmKernel(path);
  const reason = whyNotBootable(kernel);
  if (reason !== null) throw new RunError(`run-loader: ${reason}`);
  let answer: LoaderLine[] = [];
  await runVm({
    image: kernel.image,
    source: kernel.origin,
    initramfs: runnerInitramfs(
      import.meta.dirname,
      tasks.map(({ loader: { instructions, data }, question }) => ({ instructions, data, question })),
      silenceMs,
    ),
    silenceMs: machineSilence(silenceMs),
    onLine: (line: VmLine) => {
      if (line.type === "loader") answer.push(line);
    },
    onRestart: () => {
      answer = [];
    },
  });
  if (answer.length < tasks.length) throw new RunError(`${kernel.origin}: booted, it gave no answer`);
  return answer;
}
