/**
 * The first process of a virtual machine: mounts what libbpf and the kernel's BTF need, has the checker run in a child
 * process, sends on what it says, in frames through the second serial port, and switches the machine off.
 */
import { constants, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { release } from "node:os";
import type { LoaderLine, RunLoadersRequest } from "../checker/loader-protocol.ts";
import { watchChild } from "../checker/parent.ts";
import type { AnswerLine, CheckRequest } from "../checker/protocol.ts";
import { encodeFrame } from "./frame.ts";
import { GUEST, type GuestSettings, type VmLine } from "./protocol.ts";

const PORT = "/dev/ttyS1";
const OWN_BTF = "/sys/kernel/btf/vmlinux";
/** reboot(2): RB_AUTOBOOT. The machine's monitor takes a restart for its end, which needs no ACPI. */
const RESTART = 0x0123_4567;
/** File systems by place; kernels without the later ones do without. */
const MOUNTS = [
  ["proc", "/proc"],
  ["sysfs", "/sys"],
  ["bpf", "/sys/fs/bpf"],
  ["debugfs", "/sys/kernel/debug"],
  ["tracefs", "/sys/kernel/tracing"],
  ["cgroup2", "/sys/fs/cgroup"],
  ["securityfs", "/sys/kernel/security"],
] as const;

interface Machine {
  mount(type: string, place: string): number;
  restart(): void;
}

const port = openSync(PORT, constants.O_WRONLY | constants.O_NOCTTY);
let frames = 0;

run()
  .catch((error: unknown) => tell({ type: "failed", reason: error instanceof Error ? error.message : String(error) }))
  // Where this cannot be had, the end of the first process is the kernel's panic, which ends the machine as well.
  .finally(async () => (await machine()).restart());

async function run(): Promise<void> {
  const { mount } = await machine();
  const failed = MOUNTS.filter(([type, place]) => mount(type, place) !== 0).map(([type]) => type);
  if (failed.includes("proc") || failed.includes("sysfs")) throw new Error(`the guest has no ${failed.join(", ")}`);
  const request = JSON.parse(readFileSync(GUEST.request, "utf8")) as CheckRequest | RunLoadersRequest;
  const { silenceMs } = JSON.parse(readFileSync(GUEST.settings, "utf8")) as GuestSettings;
  const sameBtf = "full" in request ? isOwnBtf(readFileSync(request.full)) : null;
  tell({ type: "guest", release: release(), sameBtf });
  if (!("from" in request)) {
    await check(request, silenceMs);
    return;
  }
  for (let from: number | null = request.from; from !== null; ) from = await check({ ...request, from }, silenceMs);
}

/** The C library's part. */
async function machine(): Promise<Machine> {
  const { default: koffi } = await import("koffi");
  const libc = koffi.load("libc.so.6");
  const call = libc.func(
    "int mount(const char *from, const char *at, const char *type, unsigned long flags, void *data)",
  );
  const reboot = libc.func("int reboot(int command)");
  return {
    mount: (type, place) => Number(call(type, place, type, 0, null)),
    restart: () => void reboot(RESTART),
  };
}

function isOwnBtf(full: Buffer): boolean | null {
  try {
    return readFileSync(OWN_BTF).equals(full);
  } catch {
    return null;
  }
}

/** Runs the checker from an object on; gives the object to go on with where it did not come to its end, else null. */
async function check(request: CheckRequest | RunLoadersRequest, silenceMs: number): Promise<number | null> {
  writeFileSync(GUEST.request, JSON.stringify(request));
  const place: { object: number | null; isComplete: boolean } = { object: null, isComplete: false };
  const how = await watchChild({
    node: GUEST.node,
    file: GUEST.checker,
    request: GUEST.request,
    silenceMs,
    onLines: (lines) => {
      for (const line of lines) {
        const answer = JSON.parse(line) as AnswerLine | LoaderLine;
        if (answer.type === "object") place.object = answer.object;
        else if (answer.type === "end") place.isComplete = true;
      }
      send(lines.join("\n"));
    },
  });
  if (place.isComplete) return null;
  if (place.object === null) throw new Error(`the checker failed: ${how}`);
  tell({ type: "broken", how });
  return place.object + 1;
}

function tell(line: VmLine): void {
  send(JSON.stringify(line));
}

function send(text: string): void {
  let rest = Buffer.from(encodeFrame(frames++, text));
  while (rest.length > 0) rest = rest.subarray(writeSync(port, rest));
}
