/**
 * A big-endian machine's bpftool and libbpf under user-mode emulation: libbpf refuses objects of the other byte
 * order, so big-endian objects have no other judge here. The directory BTFGEN_S390X_ROOT (by default
 * btfgen-s390x in the temporary directory; package-root.sh makes it) holds s390x Debian packages, unpacked; qemu-s390x, clang and s390x-linux-gnu-ld are the host's.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { cacheDirectory } from "../scratch.ts";
import type { BpftoolOptions } from "./bpftool.ts";
import { clangCommand } from "./clang.ts";
import { libbpfOracleFor } from "./libbpf.ts";
import { libbpfRecorder } from "./libbpf-recorder.ts";
import type { Toolchain } from "./native.ts";
import { findProgram } from "./process.ts";

/** Where the unpacked packages are. */
export function s390xRoot(): string {
  return process.env.BTFGEN_S390X_ROOT ?? join(cacheDirectory(), "btfgen-s390x");
}

/** The emulator's command, to stand before a program's path; or why there is none. */
export type S390xRunner = { readonly command: readonly string[] } | { readonly missing: string };

/** Looks for the emulator and the root. */
export function s390xRunner(): S390xRunner {
  const root = s390xRoot();
  if (!existsSync(`${root}/usr/sbin/bpftool`))
    return { missing: "no s390x root (test/oracle/package-root.sh makes one, see .ci/run)" };
  const qemu = findProgram(["qemu-s390x", "qemu-s390x-static"], "--version");
  if (qemu === undefined) return { missing: "qemu-s390x is not installed" };
  return { command: [qemu[0], "-L", root] };
}

/** Options that make the calls of bpftool.ts run the s390x one. */
export function s390xBpftool(): BpftoolOptions {
  return { bpftool: [...command(), `${s390xRoot()}/usr/sbin/bpftool`], timeoutMs: 60_000 };
}

/** The `command` option that makes libbpf.ts ask the s390x libbpf; compiles the oracle when first asked. */
export function s390xLibbpf(): readonly string[] {
  const built = libbpfOracleFor(crossToolchain());
  if ("missing" in built) throw new Error(built.missing);
  return [...command(), built.path];
}

/** The same for libbpf-recorder.ts. */
export function s390xRecorder(): readonly string[] {
  const built = libbpfRecorder(crossToolchain());
  if ("missing" in built) throw new Error(built.missing);
  return [...command(), built.path];
}

function command(): readonly string[] {
  const runner = s390xRunner();
  if ("missing" in runner) throw new Error(runner.missing);
  return runner.command;
}

function crossToolchain(): Toolchain {
  const clang = clangCommand()?.[0] ?? "clang";
  const root = s390xRoot();
  const libraries = ["usr/lib", "lib"].map((directory) => `${root}/${directory}/s390x-linux-gnu`);
  return {
    name: "s390x",
    before: [clang, "--target=s390x-linux-gnu", `--sysroot=${root}`, "-O1"],
    after: [`-L${libraries[0] ?? ""}`, `-Wl,-rpath-link,${libraries.join(":")}`],
  };
}
