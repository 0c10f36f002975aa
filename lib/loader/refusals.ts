import type { Plan, PlannedProgram } from "../prepare/plan.ts";
import { programSection } from "../prepare/program-section.ts";
import type { Assembly } from "./assemble.ts";

/** What a kernel verifies of a program (BPF_COMPLEXITY_LIMIT_INSNS). */
const MOST_INSTRUCTIONS = 1_000_000;
/** How far from its start a map's value is met (BPF_MAX_VAR_OFF). */
const MOST_DATA = 1 << 29;
/** What a kernel takes as the context of a test run, in descriptors of 4 bytes, with room for the rest. */
const MOST_DESCRIPTORS = (0xffff - 24) / 4;
/** Index of a file descriptor in an instruction's offset. */
const MOST_SLOTS = 0x7fff;

/** Why a plan cannot be a loader program: a sentence each. */
export function refusalsOf(plan: Plan, programs: readonly PlannedProgram[]): string[] {
  const refusals = [...plan.refusals];
  for (const { name, origin, autocreate, inner } of plan.maps) {
    if (inner?.entryPerCpu === true) {
      refusals.push(
        `map '${name}': its inner map wants an entry for each CPU, which only one that is no inner map gets`,
      );
    }
    if (origin === "struct_ops" && autocreate) {
      refusals.push(
        `map '${name}': struct_ops is laid out by the running kernel's types, which a loader program cannot do`,
      );
    }
  }
  for (const { name, section, type, attachTarget } of programs) {
    if (type === null) refusals.push(`prog '${name}': the section '${section}' says no program type`);
    else if (type === "ext") {
      refusals.push(`prog '${name}': freplace needs the program it replaces a part of, which a loader program has not`);
    } else if (type === "struct_ops") {
      refusals.push(`prog '${name}': struct_ops programs are loaded with their map, which a loader program cannot do`);
    } else if (attachTarget === null && programSection(section)?.attachesByType === true) {
      refusals.push(`prog '${name}': the section '${section}' names nothing to attach to`);
    }
  }
  if (plan.maps.length + plan.externs.length + programs.length > MOST_SLOTS) {
    refusals.push(`more than ${MOST_SLOTS} maps, symbols and programs`);
  }
  return refusals;
}

/** Why what was written is more than a kernel takes. */
export function tooLarge({ count, isTooLong }: Assembly, dataBytes: number, descriptors: number): string[] {
  const refusals: string[] = [];
  if (count > MOST_INSTRUCTIONS) {
    refusals.push(`the loader program would have ${count} instructions; a kernel takes ${MOST_INSTRUCTIONS}`);
  } else if (isTooLong)
    refusals.push("a program has more references to the kernel than a loader program's jump leads over");
  if (dataBytes > MOST_DATA) refusals.push(`its data would have ${dataBytes} bytes; a kernel takes ${MOST_DATA}`);
  if (descriptors > MOST_DESCRIPTORS) {
    refusals.push(`${descriptors} maps and programs are more than the ${Math.floor(MOST_DESCRIPTORS)} of a context`);
  }
  return refusals;
}
