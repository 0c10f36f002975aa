import type { BpfObject } from "../../lib/core/object.ts";
import { type Place, placeText } from "../../lib/core/place.ts";
import { countStatuses, judge, type StatusCounts } from "../../lib/core/survey.ts";
import type { InstructionProof } from "../../lib/verify/instructions.ts";
import type { FullSide, Proof } from "../../lib/verify/prove.ts";
import { type ByteOrder, byteOrderOf } from "../inputs/byte-order.ts";
import type { KernelRules } from "../inputs/kernel-release.ts";
import type { ObjectInputs } from "../inputs/object-input.ts";
import { type ObjectModels, reportObjectModels } from "../inspect/model-report.ts";
import { modelCounts, modelProblems } from "../inspect/model-text.ts";
import { type LoaderName, type ProofReport, proofLines, reportProof } from "../minimize/proof-report.ts";
import { counted, printable } from "../table.ts";
import { type NativeResult, VERIFY_LEVELS, type VerifyLevel } from "./levels.ts";
import { loadedLines } from "./loaded-text.ts";
import {
  type BtfLoadReport,
  btfLoadLines,
  type KernelReport,
  kernelLines,
  type LibbpfReport,
  libbpfLines,
  placesOf,
  reportBtfLoad,
  reportKernel,
  reportLibbpf,
} from "./native-report.ts";

/** Level `instructions`. */
export interface InstructionsReport {
  readonly holds: boolean;
  /** Functions, subprograms among them. */
  readonly programs: number;
  /** Of 8 bytes each. */
  readonly instructions: number;
  readonly differences: readonly (Place & {
    readonly loader: LoaderName;
    readonly full: string;
    readonly small: string;
  })[];
  /** Uses of target_type_id whose type is there: the number differs, and must. */
  readonly typeIds: readonly Place[];
}

/** The document of `btfgen verify --json`; docs/FORMATS.md has it in words. */
export interface VerifyReport {
  readonly small: readonly string[];
  readonly full: readonly string[];
  readonly byteOrder: ByteOrder;
  /** How far was asked. */
  readonly asked: VerifyLevel;
  /** The level that was reached: it and all before it hold; null where the first one fails. */
  readonly level: VerifyLevel | null;
  /** The level after that, and why it was not reached; null where no further one was asked for. */
  readonly noFurther: { readonly level: VerifyLevel; readonly failed: boolean; readonly reason: string } | null;
  /** Who was asked; null for levels that ask nobody. */
  readonly machine: { readonly kernel: string; readonly arch: string; readonly libbpf: string | null } | null;
  readonly objects: readonly { readonly name: string; readonly relocations: number }[];
  readonly filesWithoutObjects: number;
  /** What becomes of the relocations on the full BTF, under the first loader's rules. */
  readonly byStatus: StatusCounts;
  /** What else the objects want of the full BTF's kernel: told, and no part of any level. */
  readonly model: ObjectModels;
  readonly proof: ProofReport;
  /** Null where a level did not run. */
  readonly instructions: InstructionsReport | null;
  readonly btfLoad: BtfLoadReport | null;
  readonly libbpf: LibbpfReport | null;
  readonly kernel: KernelReport | null;
}

/** All that was found out. */
export interface VerifyFindings {
  readonly asked: VerifyLevel;
  readonly proof: Proof;
  readonly full: FullSide;
  readonly inputs: ObjectInputs;
  readonly small: readonly string[];
  /** The full BTF's kernel's. */
  readonly rules: KernelRules;
  readonly instructions: InstructionProof | null;
  readonly native: NativeResult | null;
}

/** The report of a check. */
export function reportVerify(findings: VerifyFindings): VerifyReport {
  const { asked, proof, full, inputs, small, native } = findings;
  const { objects, passedOver } = inputs;
  const levels = {
    proof: reportProof(proof, full),
    instructions: findings.instructions === null ? null : reportInstructions(findings.instructions),
    btfLoad: native === null ? null : reportBtfLoad(native),
    libbpf: native === null ? null : reportLibbpf(native, objects),
    kernel: native === null ? null : reportKernel(native, objects),
  };
  const reached = reachedLevel(levels, asked, native?.cannot?.reason ?? null);
  return {
    small,
    full: full.target.segments.map(({ source }) => source),
    byteOrder: byteOrderOf(full.target),
    asked,
    ...reached,
    machine: native?.answer?.machine ?? null,
    objects: objects.map(({ source, relocations }: BpfObject) => ({ name: source, relocations: relocations.length })),
    filesWithoutObjects: passedOver,
    byStatus: countStatuses(judge(full.sets[0]?.records ?? [])),
    model: reportObjectModels(objects, full.target, findings.rules),
    ...levels,
  };
}

type Levels = Pick<VerifyReport, "proof" | "instructions" | "btfLoad" | "libbpf" | "kernel">;

const PART_OF = {
  replay: "proof",
  instructions: "instructions",
  "btf-load": "btfLoad",
  libbpf: "libbpf",
  kernel: "kernel",
} as const satisfies Readonly<Record<VerifyLevel, keyof Levels>>;

function reachedLevel(
  levels: Levels,
  asked: VerifyLevel,
  cannot: string | null,
): Pick<VerifyReport, "level" | "noFurther"> {
  let level: VerifyLevel | null = null;
  for (const next of VERIFY_LEVELS.slice(0, VERIFY_LEVELS.indexOf(asked) + 1)) {
    const part = levels[PART_OF[next]];
    if (part?.holds !== true) {
      const untested = part === null ? (cannot ?? "it did not run") : untestedOf(part);
      return { level, noFurther: { level: next, failed: untested === null, reason: untested ?? "it fails" } };
    }
    level = next;
  }
  return { level, noFurther: null };
}

/** Why a level that ran is not reached although nothing fails; null where something does. */
function untestedOf(part: NonNullable<Levels[keyof Levels]>): string | null {
  return "untested" in part ? part.untested : null;
}

function reportInstructions({
  holds,
  programs,
  instructions,
  differences,
  typeIds,
}: InstructionProof): InstructionsReport {
  const places = placesOf([...differences.map(({ record }) => record), ...typeIds]);
  return {
    holds,
    programs,
    instructions,
    differences: differences.flatMap(({ record, rules, full, small }) => {
      const place = places.get(record);
      return place === undefined ? [] : [{ ...place, loader: rules, full, small }];
    }),
    typeIds: typeIds.flatMap((record) => places.get(record) ?? []),
  };
}

/** True where a level that ran found something wrong. */
export function hasFinding(report: VerifyReport): boolean {
  const { proof, instructions, btfLoad, libbpf, kernel } = report;
  return [proof, instructions, btfLoad, libbpf, kernel].some(
    (part) => part !== null && !part.holds && untestedOf(part) === null,
  );
}

/**
 * The result in words: what each level found (`verbose`: each loaded program, too), what the kernel lacks besides, then
 * the verdict and the counts.
 */
export function verifyText(report: VerifyReport, verbose = false): string {
  const { proof, full, small, byStatus, objects, instructions, btfLoad, libbpf, kernel, noFurther, model } = report;
  const [target = "", first = ""] = [full[0], small[0]];
  const lines = proofLines(proof, target);
  if (instructions !== null) lines.push(...instructionLines(instructions, target));
  if (btfLoad !== null) lines.push(...btfLoadLines(btfLoad, first));
  if (libbpf !== null) lines.push(...libbpfLines(libbpf));
  if (kernel !== null) lines.push(...kernelLines(kernel), ...(verbose ? loadedLines(kernel) : []));
  lines.push(...modelProblems(model).split("\n").slice(0, -1));
  const statuses = Object.entries(byStatus).map(([status, count]) => `${count} ${status}`);
  lines.push(
    `${small.join(", ")} for ${target}: ${verdictText(report)}`,
    `${counted(objects.length, "object")}, ${counted(proof.relocations, "relocation")} (${statuses.join(", ") || "none"})`,
  );
  if (instructions !== null && instructions.typeIds.length > 0) {
    lines.push(`${counted(instructions.typeIds.length, "instruction")} with a type id, which differs and must`);
  }
  if (model.targets.length + model.fields.length > 0) lines.push(modelCounts(model));
  if (libbpf !== null) {
    const what = `${counted(libbpf.programs, "program")}, ${counted(libbpf.relocations, "relocated instruction")}`;
    lines.push(`libbpf ${libbpf.version}: ${what} compared`);
  }
  if (kernel !== null) {
    const { accepted, failed, "not-tested": untested } = kernel.counts;
    lines.push(`kernel ${report.machine?.kernel}: ${accepted} accepted, ${untested} not tested, ${failed} failed`);
  }
  if (noFurther !== null && !noFurther.failed) lines.push(`no further: level ${noFurther.level}: ${noFurther.reason}`);
  return lines.map((line) => `${printable(line)}\n`).join("");
}

function verdictText({ proof, level, instructions, noFurther }: VerifyReport): string {
  if (noFurther === null || !noFurther.failed) return `holds at level ${level}`;
  const { differences, malformed } = proof;
  const code = instructions?.differences.length ?? 0;
  const found = `${counted(differences.length, "difference")}, ${counted(malformed.length, "error")} of form`;
  const where = level === null ? "" : `; holds at level ${level}`;
  if (noFurther.level === "replay") return `fails: ${found}`;
  if (noFurther.level === "instructions") return `fails: ${counted(code, "instruction")} differ${where}`;
  return `fails at level ${noFurther.level}${where}`;
}

function instructionLines({ differences }: InstructionsReport, kernel: string): string[] {
  return differences.map(
    (difference) =>
      `${kernel}: ${placeText(difference)}: code under ${difference.loader} rules: ` +
      `full BTF "${difference.full}", small BTF "${difference.small}"`,
  );
}
