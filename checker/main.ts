/**
 * The checker: asks the kernel and libbpf, and judges nothing. `node checker.cjs REQUEST`; see protocol.ts. It ends
 * with code 0 when it came to its end, whatever the answers are.
 */
import { readFileSync } from "node:fs";
import { availableParallelism, release } from "node:os";
import { checkObject } from "./check-object.ts";
import { dieWithParent, tell } from "./child.ts";
import type { BpfSyscall } from "./kernel.ts";
import { type Libbpf, loadLibbpf } from "./libbpf.ts";
import { logBuffer } from "./load-object.ts";
import { type Koffi, loadKoffi } from "./native.ts";
import { openKernel } from "./open-kernel.ts";
import { type CannotRun, type CheckRequest, lineOfRun } from "./protocol.ts";

main(process.argv[2] ?? "").catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 3;
});

async function main(path: string): Promise<void> {
  const request = JSON.parse(readFileSync(path, "utf8")) as CheckRequest;
  const koffi = await loadKoffi();
  if (koffi !== null) dieWithParent(koffi);
  const { bpf, libbpf, cannot } = look(koffi, request);
  tell({ type: "hello", kernel: release(), arch: process.arch, libbpf: libbpf?.version ?? null, cannot });
  if (bpf !== null) {
    if (request.from === 0) tell({ type: "btf", ...bpf.loadBtf(readFileSync(request.small)) });
    if (libbpf !== null) checkObjects(request, bpf, libbpf);
  }
  tell({ type: "end" });
  // Callbacks from C keep Node alive.
  process.exit(0);
}

function checkObjects(request: CheckRequest, bpf: BpfSyscall, libbpf: Libbpf): void {
  const natives = { libbpf, bpf, log: logBuffer(), processors: availableParallelism() };
  const btf = { full: request.full, small: request.small };
  for (const [index, { name, path }] of request.objects.entries()) {
    if (index < request.from) continue;
    tell({ type: "object", object: index });
    checkObject(
      natives,
      request.level,
      { index, name, bytes: readFileSync(path), btf },
      {
        step: (side, pass, program) => tell({ type: "step", side, pass, program }),
        run: (run) => tell(lineOfRun(run)),
      },
    );
  }
}

/** What there is to ask with, and what cannot be asked. */
interface Found {
  readonly bpf: BpfSyscall | null;
  readonly libbpf: Libbpf | null;
  readonly cannot: CannotRun | null;
}

function look(koffi: Koffi | null, { level, libbpf: path }: CheckRequest): Found {
  const loaded = koffi === null || level === "btf-load" ? null : loadLibbpf(koffi, path);
  const libbpf = loaded === null || "missing" in loaded ? null : loaded;
  // With the library there: what that does to this process at its start counts, too.
  const kernel = openKernel(koffi);
  if ("reason" in kernel) return { bpf: null, libbpf, cannot: { level: "btf-load", reason: kernel.reason } };
  const { bpf } = kernel;
  if (loaded === null || !("missing" in loaded)) return { bpf, libbpf, cannot: null };
  const reason = `libbpf cannot be loaded (${loaded.missing}): install the system's libbpf 1.x (libbpf1 on Debian)`;
  return { bpf, libbpf, cannot: { level: "libbpf", reason } };
}
