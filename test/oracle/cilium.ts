/**
 * cilium/ebpf as an oracle (test/oracle/cilium/main.go): what it makes of the CO-RE relocations of BPF objects on a
 * target BTF, by program, without loading anything. Built with Debian's golang-go and golang-github-cilium-ebpf-dev.
 * Debian 12 has 0.9, whose rules are older than ours (see cilium-compare.ts); to ask another release, build the same
 * main.go inside it and name the program in BTFGEN_CILIUM_ORACLE.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { cacheDirectory } from "../scratch.ts";
import type { Built } from "./native.ts";
import { describeFailure, firstLineOf, runProcess } from "./process.ts";

const SOURCE = join(import.meta.dirname, "cilium", "main.go");
/** Where Debian's -dev packages put Go sources. */
const GOPATH = "/usr/share/gocode";
const LIBRARY = join(GOPATH, "src/github.com/cilium/ebpf");

/** One relocation as resolved for one program; texts are `kind=1->2`, `kind=poison` or `error: ...`. */
export interface CiliumRelocation {
  readonly program: string;
  /** The function of the program that holds the instruction, and its slot there. */
  readonly function: string;
  readonly insn: number;
  /** With all relocations of its type in the program, which share one candidate. */
  readonly together: string;
  /** By itself. */
  readonly alone: string;
}

/** What the library says of one object on one target. */
export interface CiliumRun {
  readonly target: string;
  readonly object: string;
  /** Why there is no answer at all: a target or an object it cannot read. */
  readonly error?: string;
  readonly relocations: readonly CiliumRelocation[];
}

let built: Built | undefined;

/** The Go program, compiled when first asked for, or why there is none. */
export function ciliumOracle(): Built {
  built ??= findOracle();
  return built;
}

/** Why there is no Go, or undefined when there is. */
export function goMissing(): string | undefined {
  return firstLineOf(["go", "version"]) === undefined ? "Go is not installed" : undefined;
}

function findOracle(): Built {
  const given = process.env.BTFGEN_CILIUM_ORACLE;
  if (given !== undefined) return existsSync(given) ? { path: given } : { missing: `${given} does not exist` };
  return buildWithCilium(SOURCE);
}

/** Compiles a Go program that uses the library. */
export function buildWithCilium(source: string): Built {
  const noGo = goMissing();
  if (noGo !== undefined) return { missing: noGo };
  if (!existsSync(LIBRARY)) return { missing: "package golang-github-cilium-ebpf-dev is not installed" };
  const digest = createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 16);
  const directory = join(cacheDirectory(), `btfgen-cilium-${String(process.getuid?.() ?? 0)}-${digest}`);
  mkdirSync(directory, { recursive: true });
  const path = join(directory, "oracle");
  if (existsSync(path)) return { path };
  // Test files run in processes of their own: each compiles to a name of its own, the rename is atomic.
  const temporary = `${path}.${String(process.pid)}`;
  const env = { GO111MODULE: "off", GOFLAGS: "-mod=mod", GOPATH, GOCACHE: join(directory, "cache") };
  const result = runProcess(["go", "build", "-o", temporary, source], { env, timeoutMs: 300_000 });
  if (result.code !== 0) return { missing: `main.go does not compile (${describeFailure(result)})` };
  renameSync(temporary, path);
  return { path };
}

/** The answers of one run of the program. */
export interface CiliumAnswers {
  /** The release with which the rules of the library at hand began: `0.9`, `0.10` or `0.15`. */
  readonly api: string;
  readonly runs: readonly CiliumRun[];
}

/** The release with which the rules of the library at hand began; undefined when there is none. */
export function ciliumApi(): string | undefined {
  return "missing" in ciliumOracle() ? undefined : askCilium([]).api;
}

/** Asks about each pair of a target's and an object's path. */
export function askCilium(pairs: readonly (readonly [target: string, object: string])[]): CiliumAnswers {
  const oracle = ciliumOracle();
  if ("missing" in oracle) throw new Error(oracle.missing);
  const input = pairs.map(([target, object]) => `${target}\t${object}\n`).join("");
  const result = runProcess([oracle.path], { input: new TextEncoder().encode(input), timeoutMs: 300_000 });
  if (result.code !== 0) throw new Error(describeFailure(result));
  const [head, ...runs] = new TextDecoder().decode(result.stdout).trim().split("\n");
  const { api } = JSON.parse(head ?? "{}") as { api: string };
  return { api, runs: runs.map((line) => JSON.parse(line) as CiliumRun) };
}
