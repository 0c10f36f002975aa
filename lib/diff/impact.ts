import type { BtfSegment } from "../btf/view.ts";
import type { CandidateIndex } from "../core/candidates.ts";
import { describeRelocations } from "../core/describe.ts";
import { linkedPrograms } from "../core/linked-programs.ts";
import type { BpfObject } from "../core/object.ts";
import { placeOf } from "../core/place.ts";
import { RELO_TYPE_ID_TARGET } from "../core/relo-kind.ts";
import type { MatchRules } from "../core/rules.ts";
import { type AttachImpact, compareTargets } from "./impact-targets.ts";
import { objectSide, type RelocationSide, type Standing } from "./standing.ts";
import { worksWith } from "./works-with.ts";

/**
 * What a step from one kernel to another makes of a relocation. `same`: nothing changes, be it resolved or not; `moved`:
 * it is resolved on both, with another value; the others are what it has newly become.
 */
export type RelocationChange =
  | "same"
  | "moved"
  | "newly-resolved"
  | "newly-absent"
  | "newly-guarded"
  | "newly-poisoned"
  | "newly-ambiguous"
  | "newly-error";

/** From the best to the worst. */
export const RELOCATION_CHANGES: readonly RelocationChange[] = [
  "same",
  "moved",
  "newly-resolved",
  "newly-absent",
  "newly-guarded",
  "newly-poisoned",
  "newly-ambiguous",
  "newly-error",
];

/** One relocation on both kernels. */
export interface RelocationImpact {
  /** Position among the object's relocations. */
  readonly index: number;
  /** `byte_off`, ... */
  readonly kind: string;
  /** Index of the instruction in its program. */
  readonly instruction: number;
  /** `exec.bpf.c:42`; null where the object does not say. */
  readonly source: string | null;
  readonly change: RelocationChange;
  readonly old: RelocationSide;
  readonly new: RelocationSide;
}

/** What a program asks of one field, enumerator or type. */
export interface FieldImpact {
  /** `task_struct.real_parent`, `struct sock`, `bpf_features::BPF_FEAT_X`. */
  readonly path: string;
  /** The worst of its relocations. */
  readonly change: RelocationChange;
  readonly relocations: readonly RelocationImpact[];
}

/** A program, or a subprogram by itself. */
export interface ProgramImpact {
  readonly object: string;
  /** Null for instructions that no program holds. */
  readonly program: string | null;
  readonly section: string;
  /** Whether the program, all subprograms it calls and the object have what they need on either kernel, as far as BTF tells. */
  readonly worked: boolean;
  readonly works: boolean;
  /** The worst of its fields. */
  readonly change: RelocationChange;
  /** In the order in which the program first asks. */
  readonly fields: readonly FieldImpact[];
  /** What it attaches to. */
  readonly targets: readonly AttachImpact[];
}

/** An object that is for one of the kernels at least. */
export interface ObjectImpact {
  readonly name: string;
  /** Why no loader there would take it, whatever is in it; null where one would. */
  readonly skipped: string | null;
  /** Whether all of its programs do. */
  readonly worked: boolean;
  readonly works: boolean;
  /** Programs that worked on the old kernel and would not on the new; 1 where the object has none and itself would not. */
  readonly broken: number;
  /** The other way round. */
  readonly mended: number;
  readonly programs: readonly ProgramImpact[];
  /** What it names besides what programs attach to: kfuncs, variables, struct_ops. No program is loaded without them. */
  readonly targets: readonly AttachImpact[];
}

/** The two kernels, and whose rules count. */
export interface ImpactQuery {
  readonly old: CandidateIndex;
  readonly new: CandidateIndex;
  readonly rules: MatchRules;
}

const BROKEN: ReadonlySet<Standing> = new Set(["poisoned", "ambiguous", "error"]);

/**
 * What a step from one kernel to another makes of an object, program by program and field by field.
 * @throws FormatError when the object or a kernel's BTF is damaged.
 */
export function impactOn(object: BpfObject, query: ImpactQuery): ObjectImpact {
  const name = object.source;
  const skipped = skipReason(object, query);
  if (skipped !== null) return skippedImpact(object, skipped);
  const before = objectSide(object, query.old, query.rules);
  const after = objectSide(object, query.new, query.rules);
  const targets = compareTargets(object, query.old.btf, query.new.btf);
  const others = targets.filter(({ isProgram }) => !isProgram);
  const loads = {
    old: others.every((target) => worksWith(target, "old")),
    new: others.every((target) => worksWith(target, "new")),
  };
  const programs = programsOf(object, before, after, targets, loads);
  const worked = loads.old && programs.every((program) => program.worked);
  const works = loads.new && programs.every((program) => program.works);
  const judged = programs.length === 0 ? [{ worked, works }] : programs;
  return {
    name,
    skipped: null,
    worked,
    works,
    broken: judged.filter((one) => one.worked && !one.works).length,
    mended: judged.filter((one) => !one.worked && one.works).length,
    programs,
    targets: others,
  };
}

/** An object that is for neither kernel. */
export function skippedImpact({ source: name }: BpfObject, skipped: string): ObjectImpact {
  return { name, skipped, worked: false, works: false, broken: 0, mended: 0, programs: [], targets: [] };
}

function skipReason({ littleEndian }: BpfObject, query: ImpactQuery): string | null {
  for (const side of ["old", "new"] as const) {
    const { header } = query[side].btf.segments[0] as BtfSegment;
    if (header.littleEndian !== littleEndian) {
      return `the object is ${orderWord(littleEndian)}, the ${side} kernel ${orderWord(header.littleEndian)}`;
    }
  }
  return null;
}

function orderWord(littleEndian: boolean): string {
  return littleEndian ? "little-endian" : "big-endian";
}

function programsOf(
  object: BpfObject,
  before: readonly RelocationSide[],
  after: readonly RelocationSide[],
  targets: readonly AttachImpact[],
  loads: Readonly<Record<"old" | "new", boolean>>,
): ProgramImpact[] {
  const byProgram = new Map<number, RelocationImpact[]>();
  const paths: string[] = [];
  const sections = new Map<number, string>();
  describeRelocations(object).forEach((description, index) => {
    const relocation = object.relocations[index];
    const [old, now] = [before[index], after[index]];
    if (relocation === undefined || old === undefined || now === undefined) return;
    const { kind, instruction, source, path, section } = placeOf(description);
    paths[index] = path;
    sections.set(relocation.program, section);
    const impact = { index, kind, instruction, source, change: changeOf(relocation.kind, old, now), old, new: now };
    const list = byProgram.get(relocation.program);
    if (list === undefined) byProgram.set(relocation.program, [impact]);
    else list.push(impact);
  });
  const linked = new Map(linkedPrograms(object).map((members) => [members[0] as number, members]));
  const nameOf = (program: number) => object.programs[program]?.name ?? null;
  const targetsOf = (program: number) =>
    targets.filter((target) => target.isProgram && target.user === nameOf(program));
  const isSound = (program: number, side: "old" | "new") =>
    loads[side] &&
    (linked.get(program) ?? [program]).every(
      (member) =>
        !(byProgram.get(member) ?? []).some((relocation) => BROKEN.has(relocation[side].status)) &&
        targetsOf(member).every((target) => worksWith(target, side)),
    );
  const seen = [...new Set([...object.programs.keys(), ...byProgram.keys()])];
  return seen.flatMap((program): ProgramImpact[] => {
    const relocations = byProgram.get(program) ?? [];
    const own = targetsOf(program);
    const worked = isSound(program, "old");
    const works = isSound(program, "new");
    // Of a subprogram that asks for nothing the programs that call it have all there is to say.
    if (relocations.length === 0 && own.length === 0 && (worked === works || !linked.has(program))) return [];
    const fields = fieldsOf(relocations, paths);
    const section = object.programs[program]?.section ?? sections.get(program) ?? "";
    const change = worstOf(relocations.map((relocation) => relocation.change));
    return [{ object: object.source, program: nameOf(program), section, worked, works, change, fields, targets: own }];
  });
}

function fieldsOf(relocations: readonly RelocationImpact[], paths: readonly string[]): FieldImpact[] {
  const byPath = new Map<string, RelocationImpact[]>();
  for (const relocation of relocations) {
    const path = paths[relocation.index] ?? "";
    const list = byPath.get(path);
    if (list === undefined) byPath.set(path, [relocation]);
    else list.push(relocation);
  }
  return [...byPath].map(([path, list]) => ({
    path,
    change: worstOf(list.map(({ change }) => change)),
    relocations: list,
  }));
}

/** The worst of some changes; `same` of none. */
function worstOf(changes: readonly RelocationChange[]): RelocationChange {
  return RELOCATION_CHANGES.findLast((change) => changes.includes(change)) ?? "same";
}

function changeOf(kind: number, old: RelocationSide, now: RelocationSide): RelocationChange {
  if (old.status !== now.status) return now.status === "skipped" ? "same" : `newly-${now.status}`;
  // Every kernel numbers its types anew: another id is no change.
  if (now.status !== "resolved" || kind === RELO_TYPE_ID_TARGET) return "same";
  return old.value === now.value && old.loadBytes === now.loadBytes ? "same" : "moved";
}
