import type { BpfProgram } from "../core/object.ts";
import type { BtfSide, LoadedProgram, LoadPass, LoadRun } from "./loader-run.ts";
import { type Refusal, refusalOf } from "./refusal.ts";

/** Functions of this section are loaded with the programs that call them. */
const SUBPROGRAMS = ".text";

/**
 * What the kernel's answers say of a program. `accepted`: with full and with small BTF, which proves it;
 * `not-tested`: refused with both, for the same reason, so that nothing is known; `failed`: the answers differ.
 */
export type Verdict = "accepted" | "not-tested" | "failed";

/** Why a program's answers do not agree. */
export interface VerdictFailure {
  /**
   * `verdict`: loaded with one only; `reason`: refused with both, but not for the same reason; `code`: loaded with
   * both, but as other code; `order`: another answer than the program had before others; `missing`: no answer.
   */
  readonly what: "verdict" | "reason" | "code" | "order" | "missing";
  readonly pass: LoadPass;
  readonly full: string;
  readonly small: string;
  /** The end of the verifier's log of the side that was refused; empty for none. */
  readonly verifierLog: string;
  /** Where the verifier stopped: index in the program as loaded; null for unknown. */
  readonly instruction: number | null;
}

/** One program's verdict. */
export interface ProgramVerdict {
  readonly program: string;
  readonly section: string;
  readonly verdict: Verdict;
  /** Why it is not tested; null for other verdicts. */
  readonly reason: Refusal | null;
  readonly failure: VerdictFailure | null;
  /** Every time that it was loaded, in order. */
  readonly loaded: Readonly<Record<BtfSide, readonly LoadedProgram[]>>;
}

/** One object's verdicts. */
export interface ObjectVerdicts {
  readonly programs: readonly ProgramVerdict[];
  /** All programs that were accepted, loaded at once; null where that was not tried. */
  readonly together: {
    readonly verdict: Verdict;
    readonly reason: Refusal | null;
    readonly failure: VerdictFailure | null;
  } | null;
  /** What was changed of its maps, a sentence each. */
  readonly mapChanges: readonly string[];
}

/**
 * Judges all loads of one object: each program alone, all together, one by one in reverse. Where libbpf refuses the whole
 * object, none of its functions was loaded, and that is why.
 * `withTypeIds` names programs whose code takes a target's type id: their tags differ and must.
 */
export function judgeLoads(
  functions: readonly Pick<BpfProgram, "name" | "section">[],
  runs: readonly LoadRun[],
  withTypeIds: ReadonlySet<string>,
): ObjectVerdicts {
  const loads = runs.filter(({ pass }) => pass !== "relocate");
  const names = [
    ...new Set(loads.flatMap(({ pass, program }) => (pass === "alone" && program !== null ? [program] : []))),
  ];
  const programs = names.map((program) => judgeProgram(program, loads, withTypeIds.has(program)));
  const opened = pairOf(runs, "relocate", null);
  const isRefused = names.length === 0 && opened !== null && !opened.full.ok && compare(opened) === null;
  if (isRefused) programs.push(...refusedPrograms(functions, refusalOf(opened.full)));
  const pair = pairOf(loads, "together", null);
  return {
    programs,
    together: pair === null ? null : judgeTogether(pair),
    mapChanges: [...new Set(loads.flatMap(({ mapChanges }) => mapChanges))],
  };
}

type Pair = Readonly<Record<BtfSide, LoadRun>>;

function pairOf(loads: readonly LoadRun[], pass: LoadPass, program: string | null): Pair | null {
  const of = (side: BtfSide) => loads.find((run) => run.pass === pass && run.program === program && run.side === side);
  const [full, small] = [of("full"), of("small")];
  return full === undefined || small === undefined ? null : { full, small };
}

function judgeProgram(program: string, loads: readonly LoadRun[], hasTypeIds: boolean): ProgramVerdict {
  const alone = pairOf(loads, "alone", program);
  const loaded = (side: BtfSide) =>
    loads
      .filter((run) => run.side === side)
      .flatMap(({ programs }) => programs.flatMap((one) => (one.name === program && one.loaded ? [one.loaded] : [])));
  const all = { full: loaded("full"), small: loaded("small") };
  const section = loads.flatMap(({ programs }) => programs).find(({ name }) => name === program)?.section ?? "";
  const head = { program, section, loaded: all };
  if (alone === null) return { ...head, verdict: "failed", reason: null, failure: missing("alone") };
  const reverse = pairOf(loads, "reverse", program);
  const failure =
    compare(alone) ?? (reverse === null ? null : orderFailure(alone, reverse)) ?? codeFailure(all, hasTypeIds);
  if (failure !== null) return { ...head, verdict: "failed", reason: null, failure };
  if (alone.full.ok) return { ...head, verdict: "accepted", reason: null, failure: null };
  return { ...head, verdict: "not-tested", reason: refusalOf(alone.full), failure: null };
}

function refusedPrograms(functions: Parameters<typeof judgeLoads>[0], reason: Refusal): ProgramVerdict[] {
  const loaded = { full: [], small: [] };
  return functions
    .filter(({ section }) => section !== SUBPROGRAMS)
    .map(({ name, section }) => ({ program: name, section, loaded, verdict: "not-tested", reason, failure: null }));
}

function judgeTogether(pair: Pair): NonNullable<ObjectVerdicts["together"]> {
  const failure = compare(pair);
  if (failure !== null) return { verdict: "failed", reason: null, failure };
  if (pair.full.ok) return { verdict: "accepted", reason: null, failure: null };
  return { verdict: "not-tested", reason: refusalOf(pair.full), failure: null };
}

function compare({ full, small }: Pair): VerdictFailure | null {
  if (full.ok && small.ok) return null;
  const [a, b] = [answerOf(full), answerOf(small)];
  const refused = full.ok ? small : full;
  const { verifierLog, pass } = refused;
  const { instruction } = refusalOf(refused);
  const told = { pass, full: a, small: b, verifierLog, instruction };
  if (full.ok !== small.ok) return { what: "verdict", ...told };
  return a === b ? null : { what: "reason", ...told };
}

function orderFailure(alone: Pair, reverse: Pair): VerdictFailure | null {
  for (const side of ["full", "small"] as const) {
    const [before, after] = [answerOf(alone[side]), answerOf(reverse[side])];
    if (before === after) continue;
    return {
      what: "order",
      pass: "reverse",
      full: `${side} BTF, first: ${before}`,
      small: `${side} BTF, in reverse: ${after}`,
      verifierLog: reverse[side].verifierLog,
      instruction: null,
    };
  }
  return null;
}

function codeFailure(
  { full, small }: Readonly<Record<BtfSide, readonly LoadedProgram[]>>,
  hasTypeIds: boolean,
): VerdictFailure | null {
  const tags = [full, small].map((list) => [...new Set(list.map(({ tag }) => tag))]);
  const [a, b] = tags as [string[], string[]];
  const differs = a.length > 1 || b.length > 1 || (!hasTypeIds && a[0] !== b[0]);
  if (!differs) return null;
  const [fullTags, smallTags] = [a, b].map((list) => `tag ${list.join(", ")}`) as [string, string];
  return { what: "code", pass: "alone", full: fullTags, small: smallTags, verifierLog: "", instruction: null };
}

function missing(pass: LoadPass): VerdictFailure {
  return { what: "missing", pass, full: "no answer", small: "no answer", verifierLog: "", instruction: null };
}

function answerOf(run: LoadRun): string {
  return run.ok ? "accepted" : refusalOf(run).text;
}
