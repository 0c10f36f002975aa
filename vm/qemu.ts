/**
 * Runs a kernel in a virtual machine, without privilege, network or disk: the kernel on its own console, the guest's
 * answer through a second serial port, which is the monitor's standard output. Nothing of it outlives this process.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { accessSync, closeSync, constants, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { inScratch } from "../checker/parent.ts";
import { CouldNotRunError } from "../corpus/could-not-run.ts";
import { hasFaulted, hasPanicked, isShortOfMemory, lastWords } from "./console.ts";
import { FrameReader } from "./frame.ts";
import { GUEST, type VmLine } from "./protocol.ts";

/** What to run. */
export interface VmRun {
  /** The kernel's boot image. */
  readonly image: Uint8Array;
  /** Its name, for messages. */
  readonly source: string;
  /** Pieces of the initial file system. */
  readonly initramfs: readonly Uint8Array[];
  /** How long the guest may say nothing, in milliseconds; its start is such a time, too. */
  readonly silenceMs: number;
  /** Called with each line that the guest says. */
  readonly onLine: (line: VmLine) => void;
  /** Called before the machine is started anew: what it has said so far counts for nothing. */
  readonly onRestart?: () => void;
}

/** In hardware, or in software. */
type Acceleration = "kvm" | "tcg";

/** How a machine ended. */
interface Ended {
  /** Null where it came to its end. */
  readonly problem: string | null;
  /** True where the guest's first process has said something. */
  readonly hasStarted: boolean;
}

const QEMU = "qemu-system-x86_64";
const PACKAGE = "qemu-system-x86 on Debian, qemu-system-x86-core on Fedora";
/** Node, its root file system twice (packed and unpacked), the kernel, and room for maps: in MiB. */
const MEMORY = 1024;
/** Its own variable, as it depends on the objects: large maps, and many of them. */
const MEMORY_VARIABLE = "BTFGEN_VM_MEMORY";
const ACCELERATION_VARIABLE = "BTFGEN_VM_ACCEL";
/** Page tables of five levels only cost time; cmpxchg16b is where QEMU 7.2 goes wrong now and then, and kernels do without. */
export const EMULATED_CPU = "max,la57=off,cx16=off";
const CONSOLE_BYTES = 1 << 20;
/** Emulators make mistakes (QEMU 7.2: a double fault, rarely); a kernel's own fault comes again. */
const MOST_FAULTS = 2;
/** With KVM, a kernel that runs has said something by then. */
const FIRST_WORD_MS = 3000;

/** @throws CouldNotRunError, with the packages' names, where there is no monitor. */
export function requireMonitor(): void {
  const { error } = spawnSync(QEMU, ["--version"], { stdio: "ignore" });
  if (error !== undefined) throw new CouldNotRunError(`${QEMU} is not installed (${PACKAGE})`);
}

/**
 * Boots the kernel and waits for the machine's end. A guest that says nothing for too long is ended.
 * @throws CouldNotRunError where there is no monitor, the kernel gives up, or the guest says nothing or something damaged.
 */
export async function runVm(run: VmRun): Promise<void> {
  requireMonitor();
  const memory = memoryOf(process.env[MEMORY_VARIABLE]);
  const attempts = accelerations();
  await inScratch("btfgen-vm-", async (directory, started) => {
    writeFileSync(join(directory, "kernel"), run.image);
    writePieces(join(directory, "initramfs"), run.initramfs);
    let ended: Ended = { problem: null, hasStarted: false };
    let faults = 0;
    for (; ; run.onRestart?.()) {
      const acceleration = attempts[0] ?? "tcg";
      ended = await runMonitor(directory, acceleration, memory, run, started);
      if (ended.problem === null) break;
      if (acceleration === "kvm" && !ended.hasStarted && attempts.length > 1) attempts.shift();
      else if (acceleration === "tcg" && hasFaulted(consoleOf(directory)) && faults < MOST_FAULTS) faults++;
      else break;
    }
    if (ended.problem !== null)
      throw new CouldNotRunError(`${run.source}: ${ended.problem}${consoleText(directory, ended.problem, memory)}`);
  });
}

/**
 * What to try, in this order. That KVM's device is there says little: it can refuse, and, where this machine is a
 * virtual one itself, run firmware but no kernel. So it has a short time to show that it does.
 * @throws CouldNotRunError for a choice that is none.
 */
function accelerations(): Acceleration[] {
  const asked = process.env[ACCELERATION_VARIABLE] ?? "";
  if (asked === "tcg" || asked === "kvm") return [asked];
  if (asked !== "") throw new CouldNotRunError(`${ACCELERATION_VARIABLE}=${asked}: should be kvm or tcg`);
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    return ["kvm", "tcg"];
  } catch {
    return ["tcg"];
  }
}

/** @throws CouldNotRunError for what is no number of MiB. */
function memoryOf(text: string | undefined): number {
  if (text === undefined || text === "") return MEMORY;
  if (!/^[1-9]\d{1,6}$/.test(text)) throw new CouldNotRunError(`${MEMORY_VARIABLE}=${text}: should be a number of MiB`);
  return Number(text);
}

function monitorArguments(directory: string, acceleration: Acceleration, memory: number): string[] {
  const kernelArguments = [
    "console=ttyS0",
    "8250.nr_uarts=4",
    // The end of the first process, and any other panic, is the machine's.
    "panic=-1",
    `rdinit=${GUEST.node}`,
    // What the kernel does not know becomes the first process's environment, what is behind `--` its arguments.
    `LD_LIBRARY_PATH=${GUEST.libraries}`,
    "--",
    GUEST.init,
  ];
  return [
    ...["-accel", acceleration, "-cpu", acceleration === "kvm" ? "host" : EMULATED_CPU],
    ...["-m", String(memory), "-smp", "1", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    ...["-chardev", `file,id=console,path=${join(directory, "console").replaceAll(",", ",,")}`],
    ...["-serial", "chardev:console"],
    ...["-chardev", "stdio,id=answer,signal=off", "-serial", "chardev:answer"],
    ...["-kernel", join(directory, "kernel"), "-initrd", join(directory, "initramfs")],
    ...["-append", kernelArguments.join(" ")],
  ];
}

function writePieces(path: string, pieces: readonly Uint8Array[]): void {
  const file = openSync(path, "wx", 0o600);
  try {
    for (const piece of pieces) {
      for (let rest = piece; rest.length > 0; ) rest = rest.subarray(writeSync(file, rest));
    }
  } finally {
    closeSync(file);
  }
}

function runMonitor(
  directory: string,
  acceleration: Acceleration,
  memory: number,
  { silenceMs, onLine }: VmRun,
  started: (child: ChildProcess) => void,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const [program = "", ...rest] = [...dyingWithParent(), QEMU, ...monitorArguments(directory, acceleration, memory)];
    const child = spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"] });
    started(child);
    const reader = new FrameReader();
    let problem: string | null = null;
    let isComplete = false;
    let hasStarted = false;
    let said = "";
    const end = (why: string) => {
      problem ??= why;
      child.kill("SIGKILL");
    };
    const arm = () =>
      setTimeout(() => {
        const what = hasStarted ? "the guest said nothing" : "the kernel did not come up";
        end(`${what} for ${silenceMs / 1000} s`);
      }, silenceMs);
    let timer = arm();
    const firstWord = setTimeout(() => {
      if (acceleration === "kvm" && consoleOf(directory) === "") end("KVM runs no kernel here");
    }, FIRST_WORD_MS);
    const disarm = () => {
      clearTimeout(timer);
      clearTimeout(firstWord);
    };
    const take = (line: VmLine) => {
      hasStarted = true;
      if (line.type === "failed") problem ??= `inside: ${line.reason}`;
      onLine(line);
      if (line.type !== "end") return;
      // All is said: how the guest goes down is of no interest.
      isComplete = true;
      child.kill("SIGKILL");
    };
    child.stdout.setEncoding("latin1");
    child.stdout.on("data", (piece: string) => {
      try {
        for (const text of reader.take(piece)) {
          clearTimeout(timer);
          timer = arm();
          for (const line of text.split("\n")) take(JSON.parse(line) as VmLine);
        }
      } catch (error) {
        end(`the guest's answer is damaged: ${error instanceof Error ? error.message : String(error)}`);
      }
    });
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text: string) => {
      said = (said + text).slice(-400);
    });
    child.on("error", (error) => {
      disarm();
      reject(error);
    });
    child.on("close", (code, signal) => {
      disarm();
      const words = said.trim().split("\n").at(-1) ?? "";
      if (problem === null && !isComplete) {
        if (signal !== null) problem = `${QEMU} was killed by ${signal}`;
        else if (code !== 0) problem = `${QEMU} failed${words === "" ? ` (exit ${code})` : `: ${words}`}`;
        else problem = "the virtual machine ended before it had answered";
      }
      resolve({ problem, hasStarted });
    });
  });
}

/** A prefix for a command that is to end when this process is killed; empty where there is no such program. */
function dyingWithParent(): string[] {
  const { status } = spawnSync("setpriv", ["--pdeathsig", "KILL", "true"], { stdio: "ignore" });
  return status === 0 ? ["setpriv", "--pdeathsig", "KILL"] : [];
}

function consoleOf(directory: string): string {
  try {
    return readFileSync(join(directory, "console")).subarray(-CONSOLE_BYTES).toString("latin1");
  } catch {
    return "";
  }
}

/** What the kernel said at last, behind the reason for its end. */
function consoleText(directory: string, problem: string, memory: number): string {
  const text = consoleOf(directory);
  const words = lastWords(text);
  const isShort = isShortOfMemory(problem) || isShortOfMemory(text);
  const short = isShort ? `; ${memory} MiB are too little for it: ${MEMORY_VARIABLE} gives it more` : "";
  if (words.length === 0) return `; it wrote nothing to its console${short}`;
  return `; ${hasPanicked(text) ? "its kernel panicked" : "its last lines"}: ${words.join(" | ")}${short}`;
}
