/** A kernel's word on which of its functions tracing programs may attach to; the kernel runs in a machine of its own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpioArchive } from "../../vm/cpio.ts";
import { buildNative } from "./native.ts";
import { runProcess } from "./process.ts";

/** A function to ask about. */
export interface TrampolineQuestion {
  readonly typeId: number;
  readonly attach: boolean;
}

/** What the kernel answers: errnos, 0 for success; `attach` is -1 where it was not asked for or loading failed. */
export interface TrampolineAnswer {
  readonly load: number;
  readonly attach: number;
  /** The first line of the verifier's log where loading failed. */
  readonly log: string;
}

/** The kernel's errno for what an architecture's code generator does not do; it has no name in user space. */
export const ENOTSUPP = 524;

const SOURCES = ["trampoline.c"];
const STATIC = { name: "static", before: ["gcc", "-O1", "-static"], after: [] };
const DEVICES = [
  ["console", 5, 1],
  ["ttyS1", 4, 65],
] as const;
const MINUTES = 300_000;
/** QEMU 7.2 makes a mistake now and then, which ends the guest. */
const ATTEMPTS = 3;

/** Boots a kernel (x86_64, in emulation) with the questions, and reads the answers off its second serial port. */
export function askBootedKernel(image: Uint8Array, questions: readonly TrampolineQuestion[]): TrampolineAnswer[] {
  const program = staticProgram();
  const directory = mkdtempSync(join(tmpdir(), "btfgen-trampolines-"));
  try {
    const [kernel, initramfs, console] = ["kernel", "initramfs", "console"].map((name) => join(directory, name));
    writeFileSync(kernel as string, image);
    const files = cpioArchive([
      { path: "/dev", kind: "directory" },
      ...DEVICES.map(([name, major, minor]) => ({ path: `/dev/${name}`, kind: "device" as const, major, minor })),
      { path: "/init", kind: "file", bytes: readFileSync(program), executable: true },
      { path: "/questions", kind: "file", bytes: textOf(questions) },
    ]);
    writeFileSync(initramfs as string, Buffer.concat(files));
    const line = [
      ...["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max,la57=off", "-m", "512", "-smp", "1"],
      ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
      ...["-chardev", `file,id=console,path=${console}`, "-serial", "chardev:console"],
      ...["-chardev", "stdio,id=answer,signal=off", "-serial", "chardev:answer"],
      ...["-kernel", kernel as string, "-initrd", initramfs as string],
      ...["-append", "console=ttyS0 8250.nr_uarts=4 panic=-1 quiet rdinit=/init"],
    ];
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { stdout } = runProcess(line, { timeoutMs: MINUTES });
      const answers = answersOf(Buffer.from(stdout).toString("latin1"), questions.length);
      if (answers !== undefined) return answers;
    }
    throw new Error(`the guest gave no answer: ${readFileSync(console as string, "latin1").slice(-400)}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function staticProgram(): string {
  const built = buildNative("trampoline", SOURCES, [], STATIC);
  if ("missing" in built) throw new Error(built.missing);
  return built.path;
}

function textOf(questions: readonly TrampolineQuestion[]): Uint8Array {
  return Buffer.from(
    questions.map(({ typeId, attach }) => `${typeId} fentry ${attach ? "attach" : "load"}\n`).join(""),
  );
}

/** Undefined where they are not whole. */
function answersOf(text: string, count: number): TrampolineAnswer[] | undefined {
  const lines = text.trimEnd().split("\n");
  if (lines.pop() !== "end" || lines.length !== count) return undefined;
  return lines.map((line) => {
    const [, load, attach, log = ""] = /^(\d+) (-?\d+) (.*)$/.exec(line) ?? [];
    return { load: Number(load), attach: Number(attach), log };
  });
}
