import { sectionBytes } from "../elf/section-bytes.ts";
import { type CodeReference, codeReferences } from "./code-references.ts";
import { INSN_BYTES } from "./instruction.ts";
import type { CodeFunction } from "./known-step.ts";
import { stepBudget, walkProgram } from "./known-walk.ts";
import { linkedPrograms } from "./linked-programs.ts";
import type { BpfObject, CoreRelocation } from "./object.ts";
import { patchInstruction } from "./patch.ts";
import { RELO_FIELD_BYTE_OFFSET } from "./relo-kind.ts";
import type { ReloRecord } from "./resolve.ts";

/** What was found out before: most kernels give an object's checks the same answers. For as long as its owner wants. */
export type ReachableMemo = Map<BpfObject, Map<string, readonly Uint8Array[]>>;

/**
 * Of the `asked` among an object's records (all of them, of one target) those whose instruction no path of any program comes to,
 * once all values are in place: what stands behind an existence check that is 0. A verifier follows a jump one
 * way where both operands are numbers it knows, and leaves out what it never comes to (Linux kernel/bpf/verifier.c,
 * is_branch_taken, sanitize_dead_code), so such an instruction may be poisoned without harm.
 *
 * What this follows is less than a verifier does, so that what it calls unreachable is so for every verifier since
 * Linux 5.2, and errs to the other side: numbers of moves and simple arithmetic, in registers and whole slots of the
 * stack, through calls of static functions; values of maps, variables (even constant ones) and memory are unknown.
 * A global function counts as reached wherever it belongs to a program, since kernels before 6.8 check it apart.
 * @throws FormatError when relocations or symbols are damaged.
 */
export function unreachableRecords(
  object: BpfObject,
  records: readonly ReloRecord[],
  asked: readonly ReloRecord[],
  memo: ReachableMemo = new Map(),
): ReadonlySet<ReloRecord> {
  const known = memo.get(object) ?? new Map<string, readonly Uint8Array[]>();
  memo.set(object, known);
  const homes = new Set(asked.map(({ relocation }) => relocation.program));
  const key = `${[...homes].join(" ")}: ${followedValues(records)}`;
  const reached = known.get(key) ?? reachedSlots(object, records, homes);
  known.set(key, reached);
  return new Set(
    asked.filter(({ relocation: { program, insnOffset } }) => {
      return reached[program]?.[slotIn(object, program, insnOffset)] === 0;
    }),
  );
}

/** By function and slot: 1 where a path comes to, of all programs that have one of the functions `homes` in them. */
function reachedSlots(
  object: BpfObject,
  records: readonly ReloRecord[],
  homes: ReadonlySet<number>,
): readonly Uint8Array[] {
  const references = codeReferences(object);
  const functions = functionsOf(object, records, references);
  const reached = functions.map(({ unknown }) => new Uint8Array(unknown.length));
  const budget = stepBudget();
  for (const linked of linkedPrograms(object, references)) {
    if (!linked.some((at) => homes.has(at))) continue;
    if (!walkProgram(functions, linked, reached, budget)) for (const at of linked) reached[at]?.fill(1);
  }
  return reached;
}

function slotIn({ programs }: BpfObject, program: number, insnOffset: number): number {
  return (insnOffset - (programs[program]?.offset ?? 0)) / INSN_BYTES;
}

/** The code of all functions with the records' values in place. */
function functionsOf(
  object: BpfObject,
  records: readonly ReloRecord[],
  references: readonly ReadonlyMap<number, CodeReference>[],
): CodeFunction[] {
  const { littleEndian } = object;
  const functions = object.programs.map(({ sectionIndex, offset, size, isGlobal }, i): CodeFunction => {
    const section = object.elf.sections[sectionIndex];
    const whole = section === undefined ? new Uint8Array() : sectionBytes(object.elf, section);
    // Not slice(): a Buffer's is a view, and the file's bytes are the caller's.
    const own = new Uint8Array(whole.subarray(offset, offset + size));
    const code = own.subarray(0, own.length - (own.length % INSN_BYTES));
    const unknown = new Uint8Array(code.length / INSN_BYTES);
    return { code, unknown, isGlobal, references: references[i] ?? new Map(), littleEndian };
  });
  // What has no record here is not known, and neither is what a poisoned instruction would have done.
  for (const { program, insnOffset } of object.relocations) {
    const home = functions[program];
    if (home !== undefined) home.unknown[slotIn(object, program, insnOffset)] = 1;
  }
  for (const { relocation, value } of records) {
    const home = functions[relocation.program];
    if (home === undefined || value === null || !isFollowed(relocation)) continue;
    const slot = slotIn(object, relocation.program, relocation.insnOffset);
    const at = slot * INSN_BYTES;
    const before = home.code.slice(at, at + 2 * INSN_BYTES);
    const outcome = patchInstruction(home.code, at, value, littleEndian);
    if (outcome === "patched") home.unknown[slot] = 0;
    else home.code.set(before, at);
  }
  return functions;
}

/** Offsets are added to pointers, of which nothing is known; nobody compares them. */
function isFollowed({ kind }: CoreRelocation): boolean {
  return kind !== RELO_FIELD_BYTE_OFFSET;
}

/** All that the answer depends on besides the object: kernels differ in offsets much more than in these. */
function followedValues(records: readonly ReloRecord[]): string {
  return records
    .filter(({ relocation }) => isFollowed(relocation))
    .map(({ relocation: { index }, value }) => {
      const isPlain = value !== null && !value.poison && !value.badResize;
      return isPlain
        ? `${index}=${value.value}`
        : value === null
          ? `${index}`
          : `${index}!${value.poison}${value.value}`;
    })
    .join(" ");
}
