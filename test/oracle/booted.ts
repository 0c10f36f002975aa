/** A program of ours as the first process of a kernel in a virtual machine: questions in, lines out, and an end. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CpioEntry, cpioArchive } from "../../vm/cpio.ts";
import { EMULATED_CPU } from "../../vm/qemu.ts";
import { type Built, buildNative } from "./native.ts";
import { runProcess } from "./process.ts";

const STATIC = { name: "static", before: ["gcc", "-O1", "-static"], after: [] };
const DEVICES = [
  ["console", 5, 1],
  ["ttyS1", 4, 65],
] as const;
const MINUTES = 300_000;
/** QEMU 7.2 makes a mistake now and then, which ends the guest or leaves it silent. */
export const BOOT_ATTEMPTS = 3;

/** How to boot. */
interface Booting {
  /** Of each attempt. */
  readonly timeoutMs?: number;
  /** The guest's, in MiB. */
  readonly memory?: number;
}

/** A program that needs nothing of the machine it runs on. */
export function buildStatic(program: string, libraries: readonly string[] = []): Built {
  return buildNative(program, [`${program}.c`], libraries, STATIC);
}

/**
 * Boots a kernel (x86_64, in emulation) with a program as its first process, and reads what that says on the second serial
 * port; again where it cannot be read, as the answer of a machine that went wrong. Throws what `read` threw at last.
 */
export function readBooted<T>(
  image: Uint8Array,
  program: Uint8Array,
  files: readonly CpioEntry[],
  read: (said: string) => T,
  { timeoutMs = MINUTES, memory = 512 }: Booting = {},
): T {
  const directory = mkdtempSync(join(tmpdir(), "btfgen-booted-"));
  const [kernel, initramfs, console] = [
    join(directory, "kernel"),
    join(directory, "initramfs"),
    join(directory, "console"),
  ] as const;
  try {
    writeFileSync(kernel, image);
    const entries: CpioEntry[] = [
      ...["/dev", "/sys"].map((path) => ({ path, kind: "directory" as const })),
      ...DEVICES.map(([name, major, minor]) => ({ path: `/dev/${name}`, kind: "device" as const, major, minor })),
      { path: "/init", kind: "file", bytes: program, executable: true },
      ...files,
    ];
    writeFileSync(initramfs, Buffer.concat(cpioArchive(entries)));
    const line = [
      ...["qemu-system-x86_64", "-accel", "tcg", "-cpu", EMULATED_CPU, "-m", String(memory), "-smp", "1"],
      ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
      ...["-chardev", `file,id=console,path=${console}`, "-serial", "chardev:console"],
      ...["-chardev", "stdio,id=answer,signal=off", "-serial", "chardev:answer"],
      ...["-kernel", kernel, "-initrd", initramfs],
      ...["-append", "console=ttyS0 8250.nr_uarts=4 panic=-1 quiet rdinit=/init"],
    ];
    for (let attempt = 1; ; attempt++) {
      const { stdout } = runProcess(line, { timeoutMs });
      try {
        return read(Buffer.from(stdout).toString("latin1"));
      } catch (error) {
        const words = readFileSync(console, "latin1").slice(-400);
        if (attempt === BOOT_ATTEMPTS) throw new Error(`on the console: ${words}`, { cause: error });
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Boots a program that reads `/questions` and answers each, with `end` at the end; the answers, as many as there are questions. */
export function askBooted(
  image: Uint8Array,
  program: Uint8Array,
  questions: readonly string[],
  files: Readonly<Record<string, Uint8Array>> = {},
): string[] {
  const entries: CpioEntry[] = [
    { path: "/questions", kind: "file", bytes: Buffer.from(questions.map((line) => `${line}\n`).join("")) },
    ...Object.entries(files).map(([path, bytes]) => ({ path, kind: "file" as const, bytes })),
  ];
  return readBooted(image, program, entries, (said) => {
    const answers = said.trimEnd().split("\n");
    if (answers.pop() === "end" && answers.length === questions.length) return answers;
    throw new Error(`the guest answered ${answers.length} of ${questions.length} questions`);
  });
}
