import { compareText } from "../../lib/btf/text-order.ts";
import { attachTargets } from "../../lib/core/attach-targets.ts";
import type { DescribedStatus } from "../../lib/core/describe.ts";
import { describeRelocations } from "../../lib/core/describe.ts";
import { type LackedSection, lackedSection } from "../../lib/core/lacked-section.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import { type FindingPlace, type Place, placeOf } from "../../lib/core/place.ts";
import { isOfProgram } from "../../lib/core/target-standing.ts";
import { type KernelNeed, kernelNeeds } from "../../lib/prepare/kernel-needs.ts";
import type { KernelIdentity } from "../kernel.ts";
import {
  type CompatObject,
  type CompatRules,
  type KernelOutcome,
  type LackedName,
  type ObjectOutcome,
  STATUS_LETTERS,
} from "./assess.ts";
import { groupKernels, type KernelGroup } from "./group.ts";
import { compareIdentities } from "./release-order.ts";

/** What is wrong: of a relocation its status; or what the program attaches to, or the object calls, is not there. */
export type FindingStatus = DescribedStatus | "no-target";

/**
 * What becomes of an object, or of a program, on a kernel: the worst of its findings. A poisoned relocation that a check
 * keeps from being reached is as good as the check: `absent`. `no-relocations`: there is nothing to be resolved.
 */
export type CompatStatus = Exclude<FindingStatus, "guarded"> | "no-relocations";

/** From the best to the worst. `skipped`: not for that kernel. */
export const COMPAT_STATUSES: readonly CompatStatus[] = [
  "skipped",
  "no-relocations",
  "resolved",
  "absent",
  "poisoned",
  "no-target",
  "ambiguous",
  "error",
];

/** The statuses that a person must look at: the program's own checks have nothing to do with them. */
export const FINDING_STATUSES: ReadonlySet<FindingStatus> = new Set(["poisoned", "no-target", "ambiguous", "error"]);

/** An object of the matrix. */
export interface MatrixObject {
  readonly name: string;
  readonly byteOrder: "little" | "big";
  /** The architecture it was tagged with, in the tag's word; null where it is for all. */
  readonly arch: string | null;
  readonly programs: number;
  readonly relocations: number;
  /** The section for want of which it has no relocations, where it may have had some; else null. */
  readonly lacks: LackedSection | null;
  /** What it wants of a running kernel's own BTF, which no small one gives. */
  readonly needs: readonly KernelNeed[];
}

/** A column: an object, or one program of it. */
export interface MatrixColumn {
  /** Index into `objects`. */
  readonly object: number;
  /** Null where the column is the whole object. */
  readonly program: string | null;
}

/** What is not resolved, or not there, by what it has in common with others: a matrix says everything once. */
export interface MatrixFinding {
  /** Index into `places`. */
  readonly place: number;
  readonly status: FindingStatus;
  /** Index into `reasons`. */
  readonly reason: number;
}

/** What a column is on a kernel; kernels on which it is the same share one. */
export interface MatrixOutcome {
  readonly status: CompatStatus;
  /** Relocations by status, in the order of COUNTED. */
  readonly counts: readonly number[];
  /** Why the column is skipped, an index into `reasons`; null where it is not. */
  readonly skipped: number | null;
  /** Relocations in the object's order, then what it attaches to and calls. */
  readonly findings: readonly MatrixFinding[];
}

/** The statuses that `MatrixOutcome.counts` counts, in its order. */
export const COUNTED = ["resolved", "absent", "guarded", "poisoned", "ambiguous", "error"] as const;

/** A kernel of the matrix. */
export interface MatrixKernel {
  readonly identity: KernelIdentity;
  readonly origin: string;
  /** Index into `rows`. */
  readonly row: number;
}

/** Something in a corpus that could not be read. */
export interface Unreadable {
  readonly origin: string;
  /** One line. */
  readonly reason: string;
}

/**
 * Kernels times objects (or programs). Equal rows, outcomes, places and reasons are there once and named by index, so
 * that thousands of kernels take little more room than their names.
 */
export interface CompatMatrix {
  readonly rules: CompatRules;
  readonly objects: readonly MatrixObject[];
  readonly columns: readonly MatrixColumn[];
  /** What any finding speaks of. */
  readonly places: readonly FindingPlace[];
  readonly reasons: readonly string[];
  readonly outcomes: readonly MatrixOutcome[];
  /** Each an index into `outcomes` for each column. */
  readonly rows: readonly (readonly number[])[];
  /** By distribution, its version, architecture, flavour and release. */
  readonly kernels: readonly MatrixKernel[];
  /** Runs of kernels with the same row, which cover all kernels in order. */
  readonly groups: readonly KernelGroup[];
  /** By origin. */
  readonly unreadable: readonly Unreadable[];
}

/** Takes kernels in any order, and makes the matrix of them. */
export interface MatrixBuilder {
  add(kernel: KernelOutcome): void;
  /** The matrix of what was added. */
  finish(unreadable: readonly Unreadable[]): CompatMatrix;
}

/** Begins a matrix; `byProgram` gives each program a column of its own that relocates, attaches by type or may call. */
export function matrixBuilder(objects: readonly CompatObject[], rules: CompatRules, byProgram: boolean): MatrixBuilder {
  const layouts = objects.map((object) => layoutOf(object, byProgram));
  const reasons = new Table<string>((reason) => reason);
  const places = new Table<FindingPlace>((place) => JSON.stringify(place));
  const outcomes = new Table<MatrixOutcome>((outcome) => JSON.stringify(outcome));
  const rows = new Table<readonly number[]>((row) => row.join(" "));
  /** An object's outcome, as a worker says it, to those of its columns. */
  const known = new Map<string, readonly number[]>();
  const kernels: MatrixKernel[] = [];

  const columnsOf = (outcome: ObjectOutcome, object: number): readonly number[] => {
    const key = `${object} ${JSON.stringify(outcome)}`;
    let indexes = known.get(key);
    if (indexes === undefined) {
      const { columns } = layouts[object] as Layout;
      indexes = columns.map((column) => outcomes.indexOf(columnOutcome(outcome, object, column)));
      known.set(key, indexes);
    }
    return indexes;
  };

  const columnOutcome = (outcome: ObjectOutcome, object: number, { contains, program }: Column): MatrixOutcome => {
    if (outcome.skipped !== null) {
      const counts = COUNTED.map(() => 0);
      return { status: "skipped", counts, skipped: reasons.indexOf(outcome.skipped), findings: [] };
    }
    const { statuses } = outcome;
    const counts = COUNTED.map(() => 0);
    let worst: CompatStatus = "no-relocations";
    for (let i = 0; i < statuses.length; i++) {
      if (!contains(i)) continue;
      const status = statusOf(statuses[i] as string);
      const counted = (COUNTED as readonly string[]).indexOf(status);
      if (counted !== -1) counts[counted] = (counts[counted] as number) + 1;
      worst = worseOf(worseOf(worst, "resolved"), status === "guarded" ? "absent" : status);
    }
    const layout = layouts[object] as Layout;
    const unresolved = outcome.findings
      .filter(({ relocation }) => contains(relocation))
      .map(({ relocation, reason }) => ({
        place: places.indexOf(layout.places()[relocation] as Place),
        status: statusOf(statuses[relocation] as string),
        reason: reasons.indexOf(reason),
      }));
    const lacked = outcome.lacked
      .filter((one) => program === null || !isOfProgram(one) || one.user === program)
      .map(
        (one): MatrixFinding => ({
          place: places.indexOf(lackedPlace((objects[object] as CompatObject).object, one)),
          status: "no-target",
          reason: reasons.indexOf(one.reason),
        }),
      );
    if (lacked.length > 0) worst = worseOf(worst, "no-target");
    return { status: worst, counts, skipped: null, findings: [...unresolved, ...lacked] };
  };

  return {
    add: ({ identity, origin, objects }) => {
      kernels.push({ identity, origin, row: rows.indexOf(objects.flatMap(columnsOf)) });
    },
    finish: (unreadable) => {
      const sorted = [...kernels].sort(
        (a, b) => compareIdentities(a.identity, b.identity) || compareText(a.origin, b.origin),
      );
      return {
        rules,
        objects: objects.map(objectFacts),
        columns: layouts.flatMap(({ columns }, object) => columns.map(({ program }) => ({ object, program }))),
        places: places.items,
        reasons: reasons.items,
        outcomes: outcomes.items,
        rows: rows.items,
        kernels: sorted,
        groups: groupKernels(sorted),
        unreadable: [...unreadable].sort((a, b) => compareText(a.origin, b.origin)),
      };
    },
  };
}

/** Whether a relocation, by its position in its object, belongs to a column. */
type Contains = (relocation: number) => boolean;

interface Column {
  /** Null for the whole object. */
  readonly program: string | null;
  readonly contains: Contains;
}

interface Layout {
  readonly columns: readonly Column[];
  /** Places of all of the object's relocations, found when the first is asked for. */
  readonly places: () => readonly Place[];
}

function layoutOf({ object }: CompatObject, byProgram: boolean): Layout {
  let found: readonly Place[] | undefined;
  const places = () => {
    found ??= describeRelocations(object).map(placeOf);
    return found;
  };
  if (!byProgram) return { columns: [{ program: null, contains: () => true }], places };
  const owners = object.relocations.map(({ program }) => program);
  const relocating = new Set(owners);
  const targets = attachTargets(object).filter(({ kind, targetKind }) => targetKind !== null && kind !== "kptr");
  const attaching = new Set(targets.map(({ user }) => user));
  // Nothing tells which programs use a map or an extern that all of the object does not load without.
  const isAnybodys = !targets.every(isOfProgram);
  const columns = object.programs.flatMap(({ name }, owner): Column[] =>
    isAnybodys || relocating.has(owner) || attaching.has(name)
      ? [{ program: name, contains: (relocation) => owners[relocation] === owner }]
      : [],
  );
  return { columns, places };
}

/** A target's place, as a rule of an allow-list names it too. */
function lackedPlace({ source: object, programs }: BpfObject, { user, kind, name }: LackedName): FindingPlace {
  const isProgram = isOfProgram({ kind });
  const section = isProgram ? (programs.find((program) => program.name === user)?.section ?? user) : user;
  return { object, section, program: isProgram ? user : null, instruction: null, source: null, kind, path: name };
}

function objectFacts({ object, tag }: CompatObject): MatrixObject {
  return {
    name: object.source,
    byteOrder: object.littleEndian ? "little" : "big",
    arch: tag?.word ?? null,
    programs: object.programs.length,
    relocations: object.relocations.length,
    lacks: lackedSection(object),
    needs: kernelNeeds(object),
  };
}

const STATUS_BY_LETTER: ReadonlyMap<string, DescribedStatus> = new Map(
  Object.entries(STATUS_LETTERS).map(([status, letter]) => [letter, status as DescribedStatus]),
);

function statusOf(letter: string): DescribedStatus {
  return STATUS_BY_LETTER.get(letter) ?? "error";
}

/** The worse of two statuses. */
export function worseOf(a: CompatStatus, b: CompatStatus): CompatStatus {
  return COMPAT_STATUSES.indexOf(b) > COMPAT_STATUSES.indexOf(a) ? b : a;
}

/** Distinct things in the order in which they were first seen. */
class Table<T> {
  readonly items: T[] = [];
  readonly #indexes = new Map<string, number>();
  readonly #keyOf: (item: T) => string;

  constructor(keyOf: (item: T) => string) {
    this.#keyOf = keyOf;
  }

  indexOf(item: T): number {
    const key = this.#keyOf(item);
    let index = this.#indexes.get(key);
    if (index === undefined) {
      index = this.items.length;
      this.items.push(item);
      this.#indexes.set(key, index);
    }
    return index;
  }
}
