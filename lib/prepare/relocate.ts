import { FormatError } from "../btf/error.ts";
import { isFailure } from "../core/apply.ts";
import { INSN_BYTES } from "../core/instruction.ts";
import type { BpfObject } from "../core/object.ts";
import { patchInstruction } from "../core/patch.ts";
import { RELO_TYPE_ID_LOCAL, RELO_TYPE_ID_TARGET } from "../core/relo-kind.ts";
import type { ReloRecord } from "../core/resolve.ts";
import type { ReloValue } from "../core/value.ts";
import { SHF_COMPRESSED } from "../elf/format.ts";
import { dropRelocations } from "./drop-relocations.ts";
import { type KernelNeed, kernelNeeds } from "./kernel-needs.ts";

/** A relocation that no loader can apply: it refuses the object, or only the program where that is not loaded by default. */
export interface RelocateFailure {
  readonly record: ReloRecord;
  readonly reason: string;
  /** True in a program that is not loaded by default: loaders pass it over, and its instruction is poisoned here. */
  readonly optional: boolean;
}

/** An object relocated ahead of time, and what is to be known of it. */
export interface RelocatedObject {
  /** The new file: the old one's length, with other bytes here and there; null where a loader would refuse the object. */
  readonly bytes: Uint8Array | null;
  /** Relocations that were written, poisoned ones included. */
  readonly applied: number;
  /** Instructions that changed, in 8-byte slots. */
  readonly changed: number;
  /** Relocations that nothing in the target matches: their instructions are calls that no verifier accepts. */
  readonly poisoned: readonly ReloRecord[];
  readonly failures: readonly RelocateFailure[];
  /** Uses of target_type_id: the number is right for this very BTF only. */
  readonly targetTypeIds: readonly ReloRecord[];
  /** Uses of local_type_id: the number is right for loaders that load the object's BTF as it is, as libbpf does. */
  readonly localTypeIds: readonly ReloRecord[];
  /** Relocations of no function (an eliminated weak one's): loaders pass over them, and they are gone. */
  readonly skipped: number;
  /** What else the object wants of the kernel's BTF. */
  readonly needs: readonly KernelNeed[];
}

/** A `?` in front of a section: its programs are not loaded by default. */
const NOT_BY_DEFAULT = "?";
/** No number, but a call that no verifier accepts. */
const POISON: ReloValue = {
  original: 0n,
  value: 0n,
  poison: true,
  validate: false,
  badResize: false,
  originalSize: 0,
  size: 0,
};

/**
 * Applies resolved records (of libbpf's rules) to a copy of an object's file and takes its CO-RE relocations out, so that
 * a loader finds none. All else stays where it is: maps, externs, symbols, lines. Instructions are those that libbpf
 * makes; poisoned ones are poisoned as libbpf does it. Works for either byte order.
 * @throws FormatError when code lies outside its section, or sections are compressed.
 */
export function relocateObject(object: BpfObject, records: readonly ReloRecord[]): RelocatedObject {
  const { elf } = object;
  const bytes = new Uint8Array(elf.bytes);
  const failures: RelocateFailure[] = [];
  const poisoned: ReloRecord[] = [];
  /** Places in the file of instructions that were written: a load of 64 bits has two. */
  const touched = new Set<number>();
  let applied = 0;
  let skipped = 0;
  for (const record of records) {
    const { relocation, value } = record;
    if (relocation.program === -1) {
      skipped++;
      continue;
    }
    const section = elf.sections[relocation.sectionIndex];
    if (section === undefined) continue;
    if ((section.flags & SHF_COMPRESSED) !== 0 || section.offset + section.size > bytes.length) {
      throw new FormatError("bad-elf", "code that is compressed or beyond the end of the file", {
        source: object.source,
        section: section.name,
      });
    }
    const code = bytes.subarray(section.offset, section.offset + section.size);
    const at = section.offset + relocation.insnOffset;
    for (const slot of [at, at + INSN_BYTES]) touched.add(slot);
    const optional = object.programs[relocation.program]?.section.startsWith(NOT_BY_DEFAULT) === true;
    const outcome =
      value === null
        ? { failure: record.reason ?? "the relocation has no value" }
        : patchInstruction(code, relocation.insnOffset, value, object.littleEndian);
    if (isFailure(outcome)) {
      failures.push({ record, reason: outcome.failure, optional });
      // Whoever loads the program all the same must not get what the compiler has left there.
      if (optional) patchInstruction(code, relocation.insnOffset, POISON, object.littleEndian);
      continue;
    }
    applied++;
    if (outcome === "poisoned") poisoned.push(record);
  }
  const changed = [...touched].filter((at) => !sameSlot(bytes, elf.bytes, at)).length;
  dropRelocations(elf, bytes);
  const ofKind = (kind: number) =>
    records.filter(({ relocation }) => relocation.kind === kind && relocation.program !== -1);
  return {
    bytes: failures.every(({ optional }) => optional) ? bytes : null,
    applied,
    changed,
    poisoned,
    failures,
    targetTypeIds: ofKind(RELO_TYPE_ID_TARGET).filter(({ chosen }) => chosen !== null),
    localTypeIds: ofKind(RELO_TYPE_ID_LOCAL),
    skipped,
    needs: kernelNeeds(object),
  };
}

function sameSlot(a: Uint8Array, b: Uint8Array, at: number): boolean {
  for (let i = at; i < at + INSN_BYTES; i++) if (a[i] !== b[i]) return false;
  return true;
}
