/**
 * Which oracles this machine has. An oracle is an independent implementation that is asked for the truth; a test
 * that needs one is skipped where it is missing, with the reason in the test's title, or fails there when the
 * environment says BTFGEN_REQUIRE_ORACLES=1 (as .ci/run does, which installs them).
 */
import { describe, it } from "vitest";
import { abidiff } from "./abidiff.ts";
import { bpftoolCommand } from "./bpftool.ts";
import { chromiumPath } from "./chromium.ts";
import { ciliumOracle, goMissing } from "./cilium.ts";
import { clangCommand, taggingClang } from "./clang.ts";
import { kernelMissing } from "./kernel.ts";
import { libbpfOracle } from "./libbpf.ts";
import { libbpfToolsExecutables } from "./libbpf-tools.ts";
import { whyNotAsNobody } from "./nobody.ts";
import { paholeCommand } from "./pahole.ts";
import { findProgram, firstLineOf } from "./process.ts";
import { s390xRoot, s390xRunner } from "./s390x.ts";

/** The oracles by name. `bpf` is the running kernel's bpf(2), with the privilege to load BTF; `nobody` has none. */
export type OracleName =
  | "bpftool"
  | "libbpf"
  | "clang"
  | "clang-tags"
  | "pahole"
  | "libbpf-tools"
  | "bpf"
  | "nobody"
  | "s390x"
  | "redis"
  | "rpmbuild"
  | "chromium"
  | "go"
  | "cilium-ebpf"
  | "abidiff";

/** An oracle that is there, with its version, or the reason why it is not. */
export type OracleState =
  | { readonly present: true; readonly version: string }
  | { readonly present: false; readonly reason: string };

const states = new Map<OracleName, OracleState>();

/** Looks for an oracle, once per process. */
export function oracleState(name: OracleName): OracleState {
  let state = states.get(name);
  if (state === undefined) {
    state = probes[name]();
    states.set(name, state);
  }
  return state;
}

const found = (version: string | undefined): OracleState => ({ present: true, version: version ?? "unknown version" });
const missing = (reason: string): OracleState => ({ present: false, reason });

const probes: Readonly<Record<OracleName, () => OracleState>> = {
  rpmbuild: () => fromProgram(findProgram(["rpmbuild"], "--version"), "rpmbuild is not installed (package rpm)"),
  redis: () => fromProgram(findProgram(["redis-server"], "--version"), "redis-server is not installed"),
  bpftool: () => fromProgram(bpftoolCommand(), "bpftool is not installed"),
  "clang-tags": () => fromProgram(taggingClang(), "no clang of 15 or later, which writes type tags of structs"),
  clang: () => fromProgram(clangCommand(), "clang is not installed, or has no BPF target"),
  chromium: () => {
    const path = chromiumPath();
    return path === undefined ? missing("chromium is not installed") : found(firstLineOf([path, "--version"]));
  },
  pahole: () => fromProgram(paholeCommand(), "pahole is not installed"),
  libbpf: () => {
    const built = libbpfOracle();
    return "missing" in built ? missing(`libbpf: ${built.missing}`) : found(firstLineOf([built.path, "--version"]));
  },
  "libbpf-tools": () => {
    const executables = libbpfToolsExecutables();
    return executables.length === 0
      ? missing("package libbpf-tools is not installed")
      : found(`${String(executables.length)} executables`);
  },
  bpf: () => {
    const reason = kernelMissing();
    return reason === undefined ? found(firstLineOf(["uname", "-r"])) : missing(reason);
  },
  nobody: () => {
    const reason = whyNotAsNobody();
    return reason === undefined ? found(undefined) : missing(reason);
  },
  s390x: () => {
    const runner = s390xRunner();
    return "missing" in runner
      ? missing(runner.missing)
      : found(firstLineOf([...runner.command, `${s390xRoot()}/usr/sbin/bpftool`, "version"]));
  },
  go: () => {
    const reason = goMissing();
    return reason === undefined ? found(firstLineOf(["go", "version"])) : missing(reason);
  },
  "cilium-ebpf": () => {
    const built = ciliumOracle();
    return "missing" in built ? missing(`cilium/ebpf: ${built.missing}`) : found(undefined);
  },
  abidiff: () => {
    const tool = abidiff();
    return "missing" in tool ? missing(tool.missing) : found(tool.version);
  },
};

function fromProgram(program: readonly [path: string, version: string] | undefined, reason: string): OracleState {
  return program === undefined ? missing(reason) : found(program[1]);
}

const REQUIRED = process.env.BTFGEN_REQUIRE_ORACLES === "1";

/** The reason why not all of `needs` are there, or undefined when they are. */
export function missingOracle(needs: readonly OracleName[]): string | undefined {
  for (const name of needs) {
    const state = oracleState(name);
    if (!state.present) return state.reason;
  }
  return undefined;
}

/** A `describe` whose tests need oracles: skipped with the reason in its title, or one failing test if required. */
export function describeOracle(name: string, needs: readonly OracleName[], body: () => void): void {
  const reason = missingOracle(needs);
  if (reason === undefined) describe(name, body);
  else if (REQUIRED) describe(name, () => failing(reason));
  else describe.skip(`${name} [skipped: ${reason}]`, body);
}

/** An `it` that needs oracles; see {@link describeOracle}. */
export function oracleIt(
  name: string,
  needs: readonly OracleName[],
  body: () => void | Promise<void>,
  timeoutMs?: number,
): void {
  const reason = missingOracle(needs);
  if (reason === undefined) it(name, body, timeoutMs);
  else if (REQUIRED) failing(reason, name);
  else it.skip(`${name} [skipped: ${reason}]`, body);
}

function failing(reason: string, name = "has its oracles"): void {
  it(name, () => {
    throw new Error(`BTFGEN_REQUIRE_ORACLES=1, but ${reason}`);
  });
}
