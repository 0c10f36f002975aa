import { countStatuses, judge, type StatusCounts } from "../lib/core/survey.ts";
import type { FullSide, Proof } from "../lib/verify/prove.ts";
import { type ByteOrder, byteOrderOf } from "./byte-order.ts";
import type { ObjectInputs } from "./object-input.ts";
import { type ProofReport, proofLines, reportProof } from "./proof-report.ts";
import { counted, printable } from "./table.ts";

/** How far a check went: every relocation resolved again. Higher levels ask the kernel itself. */
export type VerifyLevel = "replay";

/** The document of `btfgen verify --json`; docs/FORMATS.md has it in words. */
export interface VerifyReport {
  readonly small: readonly string[];
  readonly full: readonly string[];
  readonly byteOrder: ByteOrder;
  /** The level that was reached; null when the check failed. */
  readonly level: VerifyLevel | null;
  readonly objects: readonly { readonly name: string; readonly relocations: number }[];
  readonly filesWithoutObjects: number;
  /** What becomes of the relocations on the full BTF, under the first loader's rules. */
  readonly byStatus: StatusCounts;
  readonly proof: ProofReport;
}

/** The report of a check. */
export function reportVerify(
  proof: Proof,
  full: FullSide,
  { objects, passedOver }: ObjectInputs,
  small: readonly string[],
): VerifyReport {
  return {
    small,
    full: full.target.segments.map(({ source }) => source),
    byteOrder: byteOrderOf(full.target),
    level: proof.holds ? "replay" : null,
    objects: objects.map(({ source, relocations }) => ({ name: source, relocations: relocations.length })),
    filesWithoutObjects: passedOver,
    byStatus: countStatuses(judge(full.sets[0]?.records ?? [])),
    proof: reportProof(proof, full),
  };
}

/** The result in words: one line where it holds, else a line for each fault and the counts. */
export function verifyText({ proof, full, small, byStatus, objects }: VerifyReport): string {
  const kernel = full[0] ?? "";
  const lines = proofLines(proof, kernel);
  const statuses = Object.entries(byStatus).map(([status, count]) => `${count} ${status}`);
  const { differences, malformed } = proof;
  const verdict = proof.holds
    ? "holds at level replay"
    : `fails: ${counted(differences.length, "difference")}, ${counted(malformed.length, "error")} of form`;
  const summary = [
    `${small.join(", ")} for ${kernel}: ${verdict}`,
    `${counted(objects.length, "object")}, ${counted(proof.relocations, "relocation")} (${statuses.join(", ") || "none"})`,
  ];
  return [...lines, ...summary].map((line) => `${printable(line)}\n`).join("");
}
