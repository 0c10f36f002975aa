/** The runner: has the kernel run a loader program. `node runner.cjs REQUEST`; see loader-protocol.ts. */
import { readFileSync } from "node:fs";
import { release } from "node:os";
import { dieWithParent, tell } from "./child.ts";
import type { LoaderLine, RunLoadersRequest } from "./loader-protocol.ts";
import { loadKoffi } from "./native.ts";
import { openKernel } from "./open-kernel.ts";
import { runLoader } from "./run-loader.ts";

main(process.argv[2] ?? "").catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 3;
});

async function main(path: string): Promise<void> {
  const { loaders } = JSON.parse(readFileSync(path, "utf8")) as RunLoadersRequest;
  const koffi = await loadKoffi();
  if (koffi !== null) dieWithParent(koffi);
  const kernel = openKernel(koffi);
  for (const loader of loaders) {
    tell("reason" in kernel ? cannot(kernel.reason) : runLoader(kernel.koffi, kernel.call, loader));
  }
  tell({ type: "end" });
}

function cannot(reason: string): LoaderLine {
  return { type: "loader", kernel: release(), arch: process.arch, cannot: reason, failed: null, logs: [], created: [] };
}
