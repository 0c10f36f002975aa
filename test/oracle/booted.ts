/** A program of ours as the first process of a kernel in a virtual machine: questions in, lines out, and an end. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CpioEntry, cpioArchive } from "../../vm/cpio.ts";
import { type Built, buildNative } from "./native.ts";
import { runProcess } from "./process.ts";

const STATIC = { name: "static", before: ["gcc", "-O1", "-static"], after: [] };
const DEVICES = [
  ["console", 5, 1],
  ["ttyS1", 4, 65],
] as const;
const MINUTES = 300_000;
/** QEMU 7.2 makes a mistake now and then, which ends the guest. */
const ATTEMPTS = 3;

/** A program that needs nothing of the machine it runs on. */
export function buildStatic(program: string, libraries: readonly string[] = []): Built {
  return buildNative(program, [`${program}.c`], libraries, STATIC);
}

/**
 * Boots a kernel (x86_64, in emulation) with a program that reads `/questions` and answers each on the second serial port,
 * with `end` at the end; the answers, as many as there are questions. Throws Error where they do not come.
 */
export function askBooted(
  image: Uint8Array,
  program: Uint8Array,
  questions: readonly string[],
  files: Readonly<Record<string, Uint8Array>> = {},
): string[] {
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
      { path: "/questions", kind: "file", bytes: Buffer.from(questions.map((line) => `${line}\n`).join("")) },
      ...Object.entries(files).map(([path, bytes]) => ({ path, kind: "file" as const, bytes })),
    ];
    writeFileSync(initramfs, Buffer.concat(cpioArchive(entries)));
    const line = [
      ...["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max,la57=off", "-m", "512", "-smp", "1"],
      ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
      ...["-chardev", `file,id=console,path=${console}`, "-serial", "chardev:console"],
      ...["-chardev", "stdio,id=answer,signal=off", "-serial", "chardev:answer"],
      ...["-kernel", kernel, "-initrd", initramfs],
      ...["-append", "console=ttyS0 8250.nr_uarts=4 panic=-1 quiet rdinit=/init"],
    ];
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { stdout } = runProcess(line, { timeoutMs: MINUTES });
      const answers = Buffer.from(stdout).toString("latin1").trimEnd().split("\n");
      if (answers.pop() === "end" && answers.length === questions.length) return answers;
    }
    throw new Error(`the guest gave no answer: ${readFileSync(console, "latin1").slice(-400)}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
