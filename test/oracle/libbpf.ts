/**
 * libbpf as an oracle: the instructions it makes of BPF objects on a target BTF, and its log.
 *
 * libbpf loads into a pretend kernel (native/fake-kernel.c), so this needs no privilege, no verifier accepts or
 * refuses anything, and no program type matters. Instructions that libbpf changes for reasons other than CO-RE, to
 * be masked by who compares: LDIMM64 of maps and map values (src_reg and imm become an fd), of externs (kconfig:
 * map value; ksym: address or BTF id), of subprogram addresses (src_reg 4, imm); calls of subprograms (imm, and
 * src_reg 1) and of kfuncs (imm, off). None of them carries a CO-RE relocation, except that enum and type values
 * also sit in LDIMM64, whose src_reg is 0. Code of called subprograms stands after the program's own, see `appended`.
 */

import { type LogFoundCandidate, parseReloLog, type ReloLogEntry } from "./libbpf-log.ts";
import { type Built, buildNative } from "./native.ts";
import { describeFailure, runProcess } from "./process.ts";

const SOURCES = ["libbpf-oracle.c", "fake-kernel.c", "weak-externs.c"];
const LIBRARIES = ["bpf", "dl"];

/** The C program that asks libbpf. */
export function libbpfOracle(): Built {
  return buildNative("libbpf-oracle", SOURCES, LIBRARIES);
}

/** {@link libbpfOracle} for another machine; see s390x.ts. */
export function libbpfOracleFor(toolchain: Parameters<typeof buildNative>[3]): Built {
  return buildNative("libbpf-oracle", SOURCES, LIBRARIES, toolchain);
}

/** Part of a program that came from a subprogram. In 8-byte slots of `after`. */
interface AppendedCode {
  readonly subprogram: string;
  readonly start: number;
  readonly count: number;
}

/** A program before and after libbpf's relocations, 8 bytes an instruction, in the object's byte order. */
interface LibbpfProgram {
  readonly name: string;
  readonly section: string;
  readonly before: Uint8Array;
  /** As far as libbpf came: complete when the run is ok. `before` is its head, then the subprograms called. */
  readonly after: Uint8Array;
  readonly appended: readonly AppendedCode[];
}

/** One load of one object. */
export interface LibbpfRun {
  readonly object: string;
  /** The one program that was loaded, or undefined when all were. */
  readonly only: string | undefined;
  readonly ok: boolean;
  /** Where it failed: "open", "relocate" (CO-RE), "load" (anything else), or "crash"; undefined when ok. */
  readonly failed: "open" | "relocate" | "load" | "crash" | undefined;
  readonly errno: number;
  /** libbpf's warnings, one a line; empty when there are none. */
  readonly error: string;
  /** By name: all, or just `only`. Subprograms do not appear on their own. */
  readonly programs: ReadonlyMap<string, LibbpfProgram>;
  readonly log: readonly ReloLogEntry[];
  /** Candidates by name and kind, before any matching, as they were found per local type. */
  readonly found: readonly LogFoundCandidate[];
}

/** How libbpf gets the target. All paths are of raw BTF (or ELF with .BTF) files. */
export interface LibbpfOptions {
  /**
   * "custom" (default): the target is btf_custom_path; libbpf then reads no modules.
   * "running": the target is the running kernel's own BTF, and `modules` are loaded modules'.
   * "none": there is no BTF to be found anywhere; the target's path is not used.
   */
  readonly as?: "custom" | "running" | "none";
  /** Split BTF files of the modules by module name, in load order; only with `as: "running"`. */
  readonly modules?: ReadonlyMap<string, string>;
  /** What externs (typed ksyms, kfuncs) and struct_ops are looked up in; the target itself by default. */
  readonly vmlinux?: string;
  /** Kconfig text for CONFIG_ externs: "CONFIG_HZ=250\n". */
  readonly kconfig?: string;
  /** Also load every program alone: candidates are pruned by what was relocated before. */
  readonly alone?: boolean;
  /** Runs the program: an emulator's command that ends with the oracle's path. */
  readonly command?: readonly string[];
  readonly timeoutMs?: number;
}

interface Line {
  readonly begin?: string;
  readonly only?: number;
  readonly level?: number;
  readonly log?: string;
  readonly stage?: "open" | "load";
  readonly errno?: number;
  readonly program?: string;
  readonly section?: string;
  readonly before?: string;
  readonly after?: string;
  readonly end?: string;
}

/** Relocates one object with all its programs loaded. */
export function libbpfRelocate(objectPath: string, targetPath: string, options: LibbpfOptions = {}): LibbpfRun {
  const [run] = libbpfRelocateMany([objectPath], targetPath, { ...options, alone: false });
  if (run === undefined) throw new Error("the libbpf oracle said nothing");
  return run;
}

/**
 * Relocates objects in one process: per object the run with all programs, then (with `alone`, and more than one
 * program) one run for each. When libbpf crashes on an object, its run says so and the next object gets a new process.
 */
export function libbpfRelocateMany(
  objectPaths: readonly string[],
  targetPath: string,
  options: LibbpfOptions = {},
): LibbpfRun[] {
  const runs: LibbpfRun[] = [];
  let rest = objectPaths;
  while (rest.length > 0) {
    const result = runProcess([...oracleCommand(options), ...targetArguments(targetPath, options), ...rest], {
      timeoutMs: options.timeoutMs ?? 120_000,
    });
    const lines = Buffer.from(result.stdout).toString("latin1").split("\n");
    const made = readRuns(lines.filter((line) => line.endsWith("}")).map((line) => JSON.parse(line) as Line));
    runs.push(...made.runs);
    if (result.code === 0) return runs;
    const failure = describeFailure(result);
    const victim = made.unfinished ?? rest[new Set(made.runs.map((run) => run.object)).size];
    if (result.code !== null || victim === undefined) throw new Error(`the libbpf oracle failed: ${failure}`);
    runs.push(crashed(victim, failure));
    rest = rest.slice(rest.indexOf(victim) + 1);
  }
  return runs;
}

function oracleCommand(options: LibbpfOptions): readonly string[] {
  if (options.command !== undefined) return options.command;
  const built = libbpfOracle();
  if ("missing" in built) throw new Error(built.missing);
  return [built.path];
}

function targetArguments(targetPath: string, options: LibbpfOptions): string[] {
  const settings = options.kconfig === undefined ? [] : ["--kconfig", options.kconfig];
  const alone = options.alone === true ? ["--alone"] : [];
  if (options.as === "none") return [...settings, ...alone];
  const args = ["--vmlinux", options.vmlinux ?? targetPath];
  if (options.as === "running") {
    if (options.vmlinux !== undefined) throw new Error("a running kernel's BTF is the target itself");
    for (const [name, path] of options.modules ?? []) args.push("--module", `${name}=${path}`);
  } else args.push("--custom", targetPath);
  return [...args, ...settings, ...alone];
}

function crashed(object: string, error: string): LibbpfRun {
  return {
    object,
    only: undefined,
    ok: false,
    failed: "crash",
    errno: 0,
    error,
    programs: new Map(),
    log: [],
    found: [],
  };
}

function readRuns(lines: readonly Line[]): { runs: LibbpfRun[]; unfinished: string | undefined } {
  const runs: LibbpfRun[] = [];
  let current: Line[] = [];
  for (const line of lines) {
    current.push(line);
    if (line.end === undefined) continue;
    runs.push(readRun(current));
    current = [];
  }
  return { runs, unfinished: current[0]?.begin };
}

function readRun(lines: readonly Line[]): LibbpfRun {
  const said = lines.flatMap((line) => (line.log === undefined ? [] : [{ level: line.level ?? 2, text: line.log }]));
  const log = parseReloLog(said);
  const programs = new Map<string, LibbpfProgram>();
  for (const line of lines) {
    if (line.program === undefined) continue;
    const before = Buffer.from(line.before ?? "", "hex");
    let start = before.length / 8;
    const appended: AppendedCode[] = [];
    for (const { program, subprogram, count } of log.appended) {
      if (program !== line.program) continue;
      appended.push({ subprogram, start, count });
      start += count;
    }
    const after = Buffer.from(line.after ?? "", "hex");
    programs.set(line.program, { name: line.program, section: line.section ?? "", before, after, appended });
  }
  const warnings = said.filter(({ level }) => level === 0).map(({ text }) => text);
  const stage = lines.find((line) => (line.errno ?? 0) !== 0);
  const coreFailed = warnings.some((text) => text.includes("failed to perform CO-RE relocations"));
  return {
    object: lines[0]?.begin ?? "",
    only: (lines[0]?.only ?? -1) < 0 ? undefined : [...programs.keys()][0],
    ok: stage === undefined,
    failed: coreFailed ? "relocate" : stage?.stage,
    errno: stage?.errno ?? 0,
    error: warnings.join("\n"),
    programs,
    log: log.entries,
    found: log.found,
  };
}
