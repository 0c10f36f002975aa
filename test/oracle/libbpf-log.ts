/**
 * libbpf's debug log of CO-RE relocations, as data: a second witness beside the instructions, for it tells the
 * outcome of every candidate. Understands the texts of libbpf 1.1 to 1.7 (relo_core.c and libbpf.c).
 */

/** A spec as libbpf prints it: `<byte_off> [23] struct foo.bar[1].baz (0:2:1:0 @ offset 24.3)`. */
export interface LogSpec {
  /** As printed: "byte_off", "exists" (field_exists), "type_size", ... */
  readonly kind: string;
  readonly typeId: number;
  /** Kind of the root as printed: "struct", "union", "enum", "typedef", ... */
  readonly typeKind: string;
  /** Name of the root and what follows it: "foo.bar[1].baz", "state::RUNNING", "foo". */
  readonly path: string;
  /** Access string of a field: "0:2:1:0". */
  readonly access: string | undefined;
  /** Offset of a field in bits from the start of the root. */
  readonly bitOffset: number | undefined;
  /** Enumerator's value as printed. */
  readonly enumValue: bigint | undefined;
  readonly text: string;
}

/** One candidate's outcome, on its own, in the order tried. */
interface LogCandidate {
  readonly index: number;
  readonly matching: boolean;
  readonly spec: LogSpec;
}

/** A change of an instruction. `insn` counts 8-byte slots from the start of the (sub)program. */
interface LogPatch {
  readonly insn: number;
  /** "ALU/ALU64", "LDX/ST/STX" or "LDIMM64". */
  readonly form: string;
  /** "imm", "off", "mem_sz" or "imm64". */
  readonly what: string;
  readonly from: bigint;
  readonly to: bigint;
}

/** One relocation of one program. */
export interface ReloLogEntry {
  /** Name of the program or, for code in .text, of the subprogram. */
  readonly program: string;
  /** Index among the relocations of the program's *section* in .BTF.ext. */
  readonly reloIndex: number;
  readonly local: LogSpec | undefined;
  readonly candidates: LogCandidate[];
  readonly patches: LogPatch[];
  /** Instructions replaced by the invalid call. */
  readonly poisoned: number[];
  /** "no matching targets found" was said: no candidate matched (not an error by itself). */
  noTargets: boolean;
  /** Two matching candidates disagree: what libbpf said. */
  ambiguity: string | undefined;
  /** Everything said at warning level, with the errno at the end where libbpf gives one. */
  readonly errors: string[];
}

/** "CO-RE relocating [5] struct a: found target candidate [77] struct a___x in [vmlinux]". */
export interface LogFoundCandidate {
  readonly localId: number;
  readonly localName: string;
  readonly targetId: number;
  readonly targetKind: string;
  readonly targetName: string;
  /** "vmlinux" or the module's name. */
  readonly btfName: string;
}

/** A subprogram's code that was appended to a program's. `start` and `count` in 8-byte slots. */
interface LogAppended {
  readonly program: string;
  readonly subprogram: string;
  readonly count: number;
}

/** The log of one run. */
export interface ReloLog {
  readonly entries: ReloLogEntry[];
  readonly found: LogFoundCandidate[];
  readonly appended: LogAppended[];
  /** Warnings that belong to no relocation. */
  readonly warnings: string[];
}

/** libbpf's LIBBPF_WARN. */
const LEVEL_WARN = 0;

const RELO = /^prog '(.*?)': relo #(\d+): (.*)$/s;
const SPEC = /^<(\w+)> \[(\d+)\] (\S+) (.*)$/s;
const FIELD_TAIL = /^(.*) \(([\d:]+) @ offset (\d+)(?:\.(\d+))?\)$/s;
const ENUM_TAIL = /^(.*::\S+) = (-?\d+)$/s;
const CANDIDATE = /^(non-matching|matching) candidate #(\d+) (.*)$/s;
const PATCH = /^patched insn #(\d+) \((\S+)\) (\w+) (\d+) -> (\d+)$/;
const POISON = /^substituting insn #(\d+) w\/ invalid insn$/;
const FOUND = /^CO-RE relocating \[(\d+)\] \S+ (.*): found target candidate \[(\d+)\] (\S+) (.*) in \[(.*)\]$/s;
const APPENDED = /^prog '(.*)': added (\d+) insns from sub-prog '(.*)'$/;
const PREFIX = "libbpf: ";

/** Reads a run's log lines, in order. */
export function parseReloLog(lines: readonly { readonly level: number; readonly text: string }[]): ReloLog {
  const log: ReloLog = { entries: [], found: [], appended: [], warnings: [] };
  const byKey = new Map<string, ReloLogEntry>();
  for (const { level, text } of lines) {
    const said = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text;
    const relo = RELO.exec(said);
    if (relo !== null) {
      readReloLine(log, byKey, relo[1] ?? "", Number(relo[2]), relo[3] ?? "", level === LEVEL_WARN);
      continue;
    }
    const found = FOUND.exec(said);
    const appended = APPENDED.exec(said);
    if (found !== null) log.found.push(readFound(found));
    else if (appended !== null) {
      log.appended.push({ program: appended[1] ?? "", count: Number(appended[2]), subprogram: appended[3] ?? "" });
    } else if (level === LEVEL_WARN) log.warnings.push(said);
  }
  return log;
}

function readFound(match: RegExpExecArray): LogFoundCandidate {
  return {
    localId: Number(match[1]),
    localName: match[2] ?? "",
    targetId: Number(match[3]),
    targetKind: match[4] ?? "",
    targetName: match[5] ?? "",
    btfName: match[6] ?? "",
  };
}

function readReloLine(
  log: ReloLog,
  byKey: Map<string, ReloLogEntry>,
  program: string,
  reloIndex: number,
  said: string,
  isWarning: boolean,
): void {
  const key = `${String(reloIndex)} ${program}`;
  const local = readSpec(said);
  let entry = byKey.get(key);
  if (entry === undefined) {
    // Relocations of data (maps, externs) speak of "relo #" too; only a spec or an error opens an entry.
    if (local === undefined && !isWarning) return;
    entry = {
      program,
      reloIndex,
      local,
      candidates: [],
      patches: [],
      poisoned: [],
      noTargets: false,
      ambiguity: undefined,
      errors: [],
    };
    byKey.set(key, entry);
    log.entries.push(entry);
    if (local !== undefined) return;
  }
  if (isWarning) {
    entry.errors.push(said);
    if (said.includes("ambiguity")) entry.ambiguity = said;
    return;
  }
  const candidate = CANDIDATE.exec(said);
  const patch = PATCH.exec(said);
  const poison = POISON.exec(said);
  if (candidate !== null) {
    const spec = readSpec(candidate[3] ?? "");
    if (spec !== undefined)
      entry.candidates.push({ index: Number(candidate[2]), matching: candidate[1] === "matching", spec });
  } else if (patch !== null) entry.patches.push(readPatch(patch));
  else if (poison !== null) entry.poisoned.push(Number(poison[1]));
  else if (said === "no matching targets found") entry.noTargets = true;
}

function readPatch(match: RegExpExecArray): LogPatch {
  return {
    insn: Number(match[1]),
    form: match[2] ?? "",
    what: match[3] ?? "",
    from: BigInt(match[4] ?? 0),
    to: BigInt(match[5] ?? 0),
  };
}

/** Reads a spec; undefined when the text is none. Specs longer than 255 bytes are cut off by libbpf: no access then. */
export function readSpec(text: string): LogSpec | undefined {
  const match = SPEC.exec(text);
  if (match === null) return undefined;
  const rest = match[4] ?? "";
  const field = FIELD_TAIL.exec(rest);
  const enumerator = ENUM_TAIL.exec(rest);
  return {
    kind: match[1] ?? "",
    typeId: Number(match[2]),
    typeKind: match[3] ?? "",
    path: field?.[1] ?? enumerator?.[1] ?? rest,
    access: field?.[2],
    bitOffset: field === null ? undefined : Number(field[3]) * 8 + Number(field[4] ?? 0),
    enumValue: enumerator === null ? undefined : BigInt(enumerator[2] ?? 0),
    text,
  };
}
