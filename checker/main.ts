/**
 * The checker: asks the kernel and libbpf, and judges nothing. `node checker.cjs REQUEST`; see protocol.ts. It ends
 * with code 0 when it came to its end, whatever the answers are.
 */
import { readFileSync } from "node:fs";
import { availableParallelism, release } from "node:os";
import { EPERM, errnoName } from "../lib/verify/errno.ts";
import { checkObject } from "./check-object.ts";
import { dieWithParent, tell } from "./child.ts";
import { type BpfSyscall, bpfSyscall } from "./kernel.ts";
import { type Libbpf, loadLibbpf } from "./libbpf.ts";
import { logBuffer } from "./load-object.ts";
import { liftLockedMemory, lockedMemoryLimit } from "./locked-memory.ts";
import { type Koffi, loadKoffi } from "./native.ts";
import { type CannotRun, type CheckRequest, lineOfRun } from "./protocol.ts";

const UNPRIVILEGED_SWITCH = "/proc/sys/kernel/unprivileged_bpf_disabled";

main(process.argv[2] ?? "").catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 3;
});

async function main(path: string): Promise<void> {
  const request = JSON.parse(readFileSync(path, "utf8")) as CheckRequest;
  const koffi = await loadKoffi();
  if (koffi !== null) dieWithParent(koffi);
  const found = koffi === null ? NOTHING : look(koffi, request);
  const { bpf, libbpf } = found;
  tell({
    type: "hello",
    kernel: release(),
    arch: process.arch,
    libbpf: libbpf?.version ?? null,
    cannot: found.cannot,
  });
  if (bpf !== null && found.cannot?.level !== "btf-load") {
    if (request.from === 0) tell({ type: "btf", ...bpf.loadBtf(readFileSync(request.small)) });
    if (request.level !== "btf-load" && libbpf !== null && found.cannot === null) checkObjects(request, bpf, libbpf);
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

const NOTHING: Found = {
  bpf: null,
  libbpf: null,
  cannot: {
    level: "btf-load",
    reason: "the package koffi is not installed, or not for this machine: npm install koffi",
  },
};

function look(koffi: Koffi, request: CheckRequest): Found {
  const bpf = bpfSyscall(koffi);
  if (bpf === null) {
    const reason = `calling the kernel on ${process.arch} is not built yet`;
    return { bpf, libbpf: null, cannot: { level: "btf-load", reason } };
  }
  liftLockedMemory(koffi);
  const loaded = request.level === "btf-load" ? null : loadLibbpf(koffi, request.libbpf);
  const libbpf = loaded === null || "missing" in loaded ? null : loaded;
  const errno = bpf.tryProgram();
  if (errno !== 0) return { bpf, libbpf, cannot: { level: "btf-load", reason: whyRefused(errno) } };
  if (loaded !== null && "missing" in loaded) {
    const reason = `libbpf cannot be loaded (${loaded.missing}): install the system's libbpf 1.x (libbpf1 on Debian)`;
    return { bpf, libbpf, cannot: { level: "libbpf", reason } };
  }
  return { bpf, libbpf, cannot: null };
}

/** Why bpf(2) takes not even a program that does nothing. */
function whyRefused(errno: number): string {
  const name = errnoName(errno);
  if (errno !== EPERM) return `bpf(2) gives ${name}: this kernel, or a filter of system calls, has no BPF`;
  const locked = lockedMemoryLimit();
  if (locked !== null) {
    return `bpf(2) gives ${name}: this kernel counts BPF as locked memory, of which ${locked} are allowed: ulimit -l unlimited`;
  }
  if (process.getuid?.() === 0)
    return `bpf(2) gives ${name} to root: a filter of system calls or a lockdown forbids it`;
  const off = unprivilegedSwitch();
  const note = off === "1" || off === "2" ? ` (kernel.unprivileged_bpf_disabled is ${off})` : "";
  return `bpf(2) gives ${name}${note}: run as root, or with CAP_BPF and CAP_PERFMON`;
}

function unprivilegedSwitch(): string | null {
  try {
    return readFileSync(UNPRIVILEGED_SWITCH, "utf8").trim();
  } catch {
    return null;
  }
}
