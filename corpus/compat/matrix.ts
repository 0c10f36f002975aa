import { compareText } from "../../lib/btf/text-order.ts";
import type { DescribedStatus } from "../../lib/core/describe.ts";
import { describeRelocations } from "../../lib/core/describe.ts";
import { type LackedSection, lackedSection } from "../../lib/core/lacked-section.ts";
import { type Place, placeOf } from "../../lib/core/place.ts";
import { type KernelNeed, kernelNeeds } from "../../lib/prepare/kernel-needs.ts";
import type { KernelIdentity } from "../kernel.ts";
import {
  type CompatObject,
  type CompatRules,
  type KernelOutcome,
  type ObjectOutcome,
  STATUS_LETTERS,
} from "./assess.ts";
import { groupKernels, type KernelGroup } from "./group.ts";
import { compareIdentities } from "./release-order.ts";

/**
 * What becomes of an object, or of a program, on a kernel: the worst of its relocations. A poisoned one that a check
 * keeps from being reached is as good as the check: `absent`. `no-relocations`: there is nothing to be resolved.
 */
export type CompatStatus = Exclude<DescribedStatus, "guarded"> | "no-relocations";

/** From the best to the worst. `skipped`: not for that kernel. */
export const COMPAT_STATUSES: readonly CompatStatus[] = [
  "skipped",
  "no-relocations",
  "resolved",
  "absent",
  "poisoned",
  "ambiguous",
  "error",
];

/** The statuses that a person must look at: the program's own checks have nothing to do with them. */
export const FINDING_STATUSES: ReadonlySet<DescribedStatus> = new Set(["poisoned", "ambiguous", "error"]);

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

/** A relocation that is not resolved, by what it has in common with others: a matrix says everything once. */
export interface MatrixFinding {
  /** Index into `places`. */
  readonly place: number;
  readonly status: DescribedStatus;
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
  /** In the object's order: the first is what a loader would stumble over. */
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
  /** Where the relocations are that any finding speaks of. */
  readonly places: readonly Place[];
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

/** Begins a matrix; `byProgram` gives each program that has relocations a column of its own. */
export function matrixBuilder(objects: readonly CompatObject[], rules: CompatRules, byProgram: boolean): MatrixBuilder {
  const layouts = objects.map((object, i) => layoutOf(object, i, byProgram));
  const reasons = new Table<string>((reason) => reason);
  const places = new Table<readonly [object: number, relocation: number]>(([object, at]) => `${object} ${at}`);
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
      indexes = columns.map(({ contains }) => outcomes.indexOf(columnOutcome(outcome, object, contains)));
      known.set(key, indexes);
    }
    return indexes;
  };

  const columnOutcome = (outcome: ObjectOutcome, object: number, contains: Contains): MatrixOutcome => {
    if (outcome.skipped !== null) {
      const counts = COUNTED.map(() => 0);
      return { status: "skipped", counts, skipped: reasons.indexOf(outcome.skipped), findings: [] };
    }
    const { statuses } = outcome;
    const counts = COUNTED.map(() => 0);
    let worst: CompatStatus = statuses === "" ? "no-relocations" : "resolved";
    for (let i = 0; i < statuses.length; i++) {
      if (!contains(i)) continue;
      const status = statusOf(statuses[i] as string);
      const counted = (COUNTED as readonly string[]).indexOf(status);
      if (counted !== -1) counts[counted] = (counts[counted] as number) + 1;
      worst = worseOf(worst, status === "guarded" ? "absent" : status);
    }
    const findings = outcome.findings
      .filter(({ relocation }) => contains(relocation))
      .map(({ relocation, reason }) => ({
        place: places.indexOf([object, relocation]),
        status: statusOf(statuses[relocation] as string),
        reason: reasons.indexOf(reason),
      }));
    return { status: worst, counts, skipped: null, findings };
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
        places: places.items.map(([object, relocation]) => (layouts[object] as Layout).places()[relocation] as Place),
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

interface Layout {
  readonly columns: readonly { readonly program: string | null; readonly contains: Contains }[];
  /** Places of all of the object's relocations, found when the first is asked for. */
  readonly places: () => readonly Place[];
}

function layoutOf({ object }: CompatObject, _index: number, byProgram: boolean): Layout {
  let found: readonly Place[] | undefined;
  const places = () => {
    found ??= describeRelocations(object).map(placeOf);
    return found;
  };
  if (!byProgram) return { columns: [{ program: null, contains: () => true }], places };
  const owners = object.relocations.map(({ program }) => program);
  const columns = [...new Set(owners)]
    .filter((owner) => owner !== -1)
    .sort((a, b) => a - b)
    .map((owner) => ({
      program: object.programs[owner]?.name ?? "",
      contains: (relocation: number) => owners[relocation] === owner,
    }));
  return { columns, places };
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
