import { sectionBytes } from "../elf/section-bytes.ts";
import { codeReferences } from "./code-references.ts";
import { INSN_BYTES } from "./instruction.ts";
import { reachedInBlocks } from "./known-blocks.ts";
import type { CodeFunction, RelocatedCode } from "./known-step.ts";
import { stepBudget, walkProgram } from "./known-walk.ts";
import { linkedPrograms } from "./linked-programs.ts";
import type { BpfObject, CoreRelocation } from "./object.ts";
import { patchInstruction } from "./patch.ts";
import { RELO_FIELD_BYTE_OFFSET } from "./relo-kind.ts";
import type { ReloRecord } from "./resolve.ts";

/**
 * What was found out before, the indexes of unreachable relocations: most kernels give an object's checks the same
 * answers. For as long as its owner wants.
 */
export type ReachableMemo = Map<BpfObject, Map<string, ReadonlySet<number>>>;

/**
 * Of the `asked` among an object's records (all of them, of one target) those whose instruction no path of any program comes to,
 * once all values are in place: what stands behind an existence check that is 0. A verifier follows a jump one
 * way where both operands are numbers it knows, and leaves out what it never comes to (Linux kernel/bpf/verifier.c,
 * is_branch_taken, sanitize_dead_code), so such an instruction may be poisoned without harm.
 *
 * What this follows is less than a verifier does, so that what it calls unreachable is so for every verifier since
 * Linux 5.3 (the first that keeps numbers on the stack, and foresees jumps on two registers), and errs to the other side:
 * numbers of moves and simple arithmetic, in registers and whole slots of the stack, through calls of static functions;
 * values of maps, variables (even constant ones) and memory are unknown.
 * A global function counts as reached wherever it belongs to a program, since kernels before 6.8 check it apart.
 * @throws FormatError when relocations or symbols are damaged.
 */
export function unreachableRecords(
  object: BpfObject,
  records: readonly ReloRecord[],
  asked: readonly ReloRecord[],
  memo: ReachableMemo = new Map(),
): ReadonlySet<ReloRecord> {
  const known = memo.get(object) ?? new Map<string, ReadonlySet<number>>();
  memo.set(object, known);
  const places = asked.map(({ relocation }) => relocation);
  const key = `${places.map(({ index }) => index).join(" ")}: ${followedValues(records)}`;
  const unreachable = known.get(key) ?? unreachableIn(object, records, places);
  known.set(key, unreachable);
  return new Set(asked.filter(({ relocation }) => unreachable.has(relocation.index)));
}

function unreachableIn(
  object: BpfObject,
  records: readonly ReloRecord[],
  places: readonly CoreRelocation[],
): ReadonlySet<number> {
  const codes = relocatedCode(object, records);
  const blocks = new Map<number, Uint8Array | null>();
  for (const { program } of places) {
    const code = codes[program];
    if (code !== undefined && !blocks.has(program)) blocks.set(program, reachedInBlocks(code));
  }
  const isReached = (reached: Uint8Array | null | undefined, { program, insnOffset }: CoreRelocation) => {
    return reached?.[slotIn(object, program, insnOffset)] !== 0;
  };
  const open = places.filter((place) => isReached(blocks.get(place.program), place));
  const reached = open.length === 0 ? [] : reachedSlots(object, codes, new Set(open.map(({ program }) => program)));
  const stillOpen = new Set(open.filter((place) => isReached(reached[place.program], place)));
  return new Set(places.filter((place) => !stillOpen.has(place)).map(({ index }) => index));
}

/** By function and slot: 1 where a path comes to, of all programs that have one of the functions `homes` in them. */
function reachedSlots(
  object: BpfObject,
  codes: readonly RelocatedCode[],
  homes: ReadonlySet<number>,
): readonly Uint8Array[] {
  const references = codeReferences(object);
  const functions = codes.map((code, i): CodeFunction => {
    return { ...code, isGlobal: object.programs[i]?.isGlobal === true, references: references[i] ?? new Map() };
  });
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
function relocatedCode(object: BpfObject, records: readonly ReloRecord[]): RelocatedCode[] {
  const { littleEndian } = object;
  const functions = object.programs.map(({ sectionIndex, offset, size }): RelocatedCode => {
    const section = object.elf.sections[sectionIndex];
    const whole = section === undefined ? new Uint8Array() : sectionBytes(object.elf, section);
    // Not slice(): a Buffer's is a view, and the file's bytes are the caller's.
    const own = new Uint8Array(whole.subarray(offset, offset + size));
    const code = own.subarray(0, own.length - (own.length % INSN_BYTES));
    const unknown = new Uint8Array(code.length / INSN_BYTES);
    return { code, unknown, littleEndian };
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
