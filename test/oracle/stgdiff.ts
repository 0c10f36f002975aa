/**
 * AOSP's stgdiff as an oracle: which structs does it find changed? Debian has no package of it; BTFGEN_STGDIFF names one that was
 * built from its sources.
 */
import { readFileSync } from "node:fs";
import { type ChangedStructs, changedStructs } from "./changed-structs.ts";
import { describeFailure, runProcess } from "./process.ts";

/** The program, or undefined. */
export const STGDIFF: string | undefined = process.env.BTFGEN_STGDIFF;

/** The structs and unions that it calls changed, from all functions and variables of both objects on. */
export function stgdiffChanges(oldPath: string, newPath: string): ChangedStructs {
  // It cannot write to a socket, as our processes' output is one.
  const report = `${newPath}.report`;
  const command = [STGDIFF ?? "stgdiff", "--btf", oldPath, newPath, "--format", "flat", "--output", report];
  const result = runProcess(command, { timeoutMs: 600_000 });
  // 1 is an error, 4 that something differs.
  if (result.code !== 0 && result.code !== 4) throw new Error(describeFailure(result));
  return changedStructs(readFileSync(report), /^type '((?:struct|union) \w+)' changed/);
}

/**
 * True where stgdiff says of a struct itself no more than that the types of some members are others inside, or that a way came to
 * its definition on one side and to a declaration on the other.
 */
export function isOfMembersOrDeclaration(words: readonly string[]): boolean {
  return words.every(
    (line) =>
      line.search(/\S/) > MEMBER_TYPE_DEPTH ||
      /^ {2}member '.*' changed$/.test(line) ||
      /^ {4}type '.*' (?:= '.*' )?changed$/.test(line) ||
      // A typedef that has its name still.
      /^ {4}type changed from '(\w+)' = '.*' to '\1' = '.*'$/.test(line) ||
      /^ {2}was (?:only declared, is now fully defined|fully defined, is now only declared)$/.test(line),
  );
}

/** Spaces before what it says of a member's type; more are before what is inside that. */
const MEMBER_TYPE_DEPTH = 4;
