/** Which levels of `verify` fail by which mutation of small BTF; see btf-mutations.ts. */
import type { VerifyReport } from "../../cli/verify/report.ts";
import type { btfMutations } from "./btf-mutations.ts";

/** The levels, as a report has them. */
const LEVELS = ["proof", "instructions", "btfLoad", "libbpf", "kernel"] as const;

/** What small BTF is made for: fixtures' names. */
export const MUTATED_OBJECTS = ["exec", "enums", "flavours", "types"];

/** A mutation, the levels that do not hold by it, and the object that shows it; a level that holds does not see it. */
export const MUTATION_TABLE: readonly (readonly [keyof ReturnType<typeof btfMutations>, string, string])[] = [
  ["nothing", "", "exec"],
  ["a member is dropped", "proof instructions libbpf kernel", "exec"],
  ["an offset is shifted", "proof instructions libbpf kernel", "exec"],
  ["an enumerator is changed", "proof instructions libbpf kernel", "flavours"],
  // Nor is it tested by a kernel that refuses the program for another relocation.
  ["an enumerator of a poisoned program is changed", "proof instructions libbpf", "enums"],
  ["a pointer is retargeted", "proof instructions libbpf kernel", "types"],
  ["a pointer points to itself", "proof btfLoad", "exec"],
];

/** Names of the levels that do not hold. */
export function failedLevels(report: VerifyReport): string {
  return LEVELS.filter((level) => report[level]?.holds !== true).join(" ");
}
