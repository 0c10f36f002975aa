import { type AppliedProgram, applyRecords, isFailure } from "../core/apply.ts";
import { INSN_BYTES, OP_LDIMM64 } from "../core/instruction.ts";
import type { BpfObject } from "../core/object.ts";
import { RELO_TYPE_ID_TARGET } from "../core/relo-kind.ts";
import type { ReloRecord } from "../core/resolve.ts";
import type { RuleSetRecords } from "../core/resolve-sets.ts";
import type { MatchRules } from "../core/rules.ts";
import { addUntold } from "./told.ts";

/** An instruction that is not the same after relocation with full and with small BTF. */
export interface InstructionDifference {
  /** Those under which it shows; the first where several show the very same. */
  readonly rules: MatchRules["name"];
  /** The relocation behind it. */
  readonly record: ReloRecord;
  /** The 8 bytes as hex, or why the relocation cannot be applied. */
  readonly full: string;
  readonly small: string;
}

/** What comparing programs' code came to. */
export interface InstructionProof {
  readonly holds: boolean;
  /** Functions whose code was compared, each counted once. */
  readonly programs: number;
  /** Their instructions, in slots of 8 bytes. */
  readonly instructions: number;
  /** Relocations that were applied on both sides. */
  readonly applied: number;
  readonly differences: readonly InstructionDifference[];
  /** Uses of target_type_id whose type is in both: the number differs and must. */
  readonly typeIds: readonly ReloRecord[];
}

/**
 * Relocates every program with full and with small BTF and compares the code byte by byte. Instructions that take a
 * target's type id are listed apart where both BTFs have the type. The two lists are of the same rule sets, and of the
 * same relocations in the same order.
 */
export function compareInstructions(
  objects: readonly BpfObject[],
  full: readonly RuleSetRecords[],
  small: readonly RuleSetRecords[],
): InstructionProof {
  const differences: InstructionDifference[] = [];
  const typeIds: ReloRecord[] = [];
  let programs = 0;
  let instructions = 0;
  let applied = 0;
  full.forEach(({ rules, records }, i) => {
    const ofSet: InstructionDifference[] = [];
    const [inFull, inSmall] = [byObject(records), byObject(small[i]?.records ?? [])];
    for (const object of objects) {
      const ofFull = inFull.get(object) ?? [];
      const pairs = pair(applyRecords(object, ofFull), applyRecords(object, inSmall.get(object) ?? []));
      const recordOf = new Map(ofFull.map((record) => [record.relocation.index, record]));
      for (const [a, b] of pairs) {
        const found = compareProgram(a, b, recordOf, rules.name);
        for (const one of found.differences) ofSet.push(one);
        if (i > 0) continue;
        typeIds.push(...found.typeIds);
        programs++;
        instructions += a.instructions.length / INSN_BYTES;
        applied += a.patched.length;
      }
    }
    addUntold(differences, ofSet);
  });
  return { holds: differences.length === 0, programs, instructions, applied, differences, typeIds };
}

function compareProgram(
  full: AppliedProgram,
  small: AppliedProgram,
  recordOf: ReadonlyMap<number, ReloRecord>,
  rules: MatchRules["name"],
): Pick<InstructionProof, "differences" | "typeIds"> {
  const differences: InstructionDifference[] = [];
  const typeIds: ReloRecord[] = [];
  full.patched.forEach(({ relocation, insn, outcome }, i) => {
    const record = recordOf.get(relocation);
    const other = small.patched[i];
    if (record === undefined || other?.relocation !== relocation) {
      throw new RangeError("compareInstructions: the two sides are not about the same relocations");
    }
    const isId = record.relocation.kind === RELO_TYPE_ID_TARGET;
    const [a, b] = [told(outcome, full, insn, isId), told(other.outcome, small, insn, isId)];
    if (isId && record.chosen !== null && isPatched(other.outcome)) {
      if (idAt(small, insn) !== 0n) {
        if (a !== b) typeIds.push(record);
        return;
      }
    }
    if (a !== b) differences.push({ rules, record, full: a, small: b });
  });
  return { differences, typeIds };
}

function isPatched(outcome: AppliedProgram["patched"][number]["outcome"]): boolean {
  return outcome === "patched";
}

/**
 * What stands at an instruction now, with the second half of a 64-bit immediate; or why nothing could be put there,
 * without candidates' ids, which are others in the small BTF.
 */
function told(
  outcome: AppliedProgram["patched"][number]["outcome"],
  program: AppliedProgram,
  insn: number,
  isId: boolean,
): string {
  if (isFailure(outcome)) return outcome.failure.replace(isId ? / \[?\d+\]?/g : / \[\d+\]/g, "");
  const at = insn * INSN_BYTES;
  const code = program.instructions;
  const slots = code[at] === OP_LDIMM64 ? 2 : 1;
  return hex(code.subarray(at, at + slots * INSN_BYTES));
}

/** The immediate, where an instruction has a type id. */
function idAt({ instructions }: AppliedProgram, insn: number): bigint {
  let value = 0n;
  for (const byte of instructions.subarray(insn * INSN_BYTES + 4, (insn + 1) * INSN_BYTES)) value |= BigInt(byte);
  return value;
}

/** Bytes as hex, 8 bytes a group. */
export function hex(bytes: Uint8Array): string {
  let text = "";
  bytes.forEach((byte, i) => {
    text += `${i > 0 && i % INSN_BYTES === 0 ? " " : ""}${byte.toString(16).padStart(2, "0")}`;
  });
  return text;
}

function byObject(records: readonly ReloRecord[]): Map<BpfObject, ReloRecord[]> {
  const groups = new Map<BpfObject, ReloRecord[]>();
  for (const record of records) {
    const list = groups.get(record.object);
    if (list === undefined) groups.set(record.object, [record]);
    else list.push(record);
  }
  return groups;
}

function pair(full: readonly AppliedProgram[], small: readonly AppliedProgram[]): [AppliedProgram, AppliedProgram][] {
  return full.map((program, i) => [program, small[i] as AppliedProgram]);
}
