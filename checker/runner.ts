/** The runner: has the kernel run a loader program. `node runner.cjs REQUEST`; see loader-protocol.ts. */
import { readFileSync } from "node:fs";
import { release } from "node:os";
import { EPERM, errnoName } from "../lib/verify/errno.ts";
import { dieWithParent, tell } from "./child.ts";
import { bpfCall, bpfSyscall } from "./kernel.ts";
import type { LoaderLine, RunLoaderRequest, RunLoadersRequest } from "./loader-protocol.ts";
import { type Koffi, loadKoffi } from "./native.ts";
import { runLoader } from "./run-loader.ts";

main(process.argv[2] ?? "").catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 3;
});

async function main(path: string): Promise<void> {
  const { loaders } = JSON.parse(readFileSync(path, "utf8")) as RunLoadersRequest;
  const koffi = await loadKoffi();
  const why = "the package koffi is not installed, or not for this machine: npm install koffi";
  for (const loader of loaders) tell(koffi === null ? cannot(why) : run(koffi, loader));
  tell({ type: "end" });
}

function run(koffi: Koffi, request: RunLoaderRequest): LoaderLine {
  dieWithParent(koffi);
  const call = bpfCall(koffi);
  if (call === null) return cannot(`calling the kernel on ${process.arch} is not built yet`);
  const errno = bpfSyscall(koffi)?.tryProgram() ?? EPERM;
  if (errno === EPERM)
    return cannot("bpf(2) gives EPERM: run as root, or with CAP_BPF, CAP_PERFMON and what the programs want");
  if (errno !== 0)
    return cannot(`bpf(2) gives ${errnoName(errno)}: this kernel, or a filter of system calls, has no BPF`);
  return runLoader(koffi, call, request);
}

function cannot(reason: string): LoaderLine {
  return { type: "loader", kernel: release(), arch: process.arch, cannot: reason, failed: null, logs: [], created: [] };
}
