import { encodeBtf } from "../btf/encode.ts";
import { stringAt } from "../btf/strings.ts";
import type { Btf } from "../btf/view.ts";
import { type AppliedProgram, applyRecords, isFailure } from "../core/apply.ts";
import { type AttachTarget, attachTargets, mayBeIn } from "../core/attach-targets.ts";
import { infoPart } from "../core/btf-ext.ts";
import type { CandidateIndex } from "../core/candidates.ts";
import { INSN_BYTES } from "../core/instruction.ts";
import type { BpfObject, BpfProgram } from "../core/object.ts";
import { resolveObject } from "../core/resolve.ts";
import { findSection } from "../elf/elf.ts";
import { sectionBytes } from "../elf/section-bytes.ts";
import { readSymbols } from "../elf/symbols.ts";
import { type Bindings, bindReferences, type ExternState } from "./bind.ts";
import { type CodeRelocation, codeRelocations, LIBRARY_SECTION } from "./code-relocations.ts";
import { exceptionCallbacks } from "./exception-callback.ts";
import { collectExterns, type Extern, settingsSize } from "./externs.ts";
import { joinRecords, recordsBySection, recordsOfFunction, type SectionRecords } from "./info-records.ts";
import { readSettings } from "./kconfig.ts";
import { kernelNeeds } from "./kernel-needs.ts";
import { joinParts, type LinkedPart, linkProgram } from "./link.ts";
import { objectName } from "./map-name.ts";
import { fillSlots } from "./map-slots.ts";
import { listMaps } from "./maps.ts";
import { fixBtf } from "./object-btf.ts";
import type { InfoRecords, Plan, PlannedExtern, PlannedProgram, PlannedTarget } from "./plan.ts";
import { programSection } from "./program-section.ts";
import { type BtfFeatures, sanitizeBtf } from "./sanitize-btf.ts";
import { type BoundStructOps, bindStructOps } from "./struct-ops.ts";
import { findTypes, keyOf, resolveExterns, wantedExterns } from "./target-types.ts";

/** What a plan depends on besides the object and the kernel's types. */
export interface PrepareOptions {
  /** The object's name for its maps; from the file's name by default. */
  readonly name?: string;
  /** Lines of the kernel's config (`CONFIG_HZ=250`), for externs in `.kconfig`. */
  readonly kconfig?: string;
  /** Bytes of a page of the kernel, of which rings are multiples; 4096 by default. */
  readonly pageSize?: number;
  /** What the kernel knows of BTF; all of it by default, so that the object's is handed over as it is. */
  readonly features?: BtfFeatures;
}

const DEFAULT_PAGE_BYTES = 4096;
const KERNEL_VERSION_BYTES = 4;

/**
 * Everything a loader would do with an object on a kernel, as data: nothing is created, and nothing of the machine it
 * runs on goes in. Without a target, relocations are left as the compiler wrote them. What a loader would refuse is in
 * `refusals`, and the rest is planned as far as it goes.
 * @throws FormatError when the object is damaged.
 */
export function prepare(object: BpfObject, target: CandidateIndex | null, options: PrepareOptions = {}): Plan {
  const { elf, littleEndian } = object;
  const name = options.name ?? objectName(object.source);
  const symbols = readSymbols(elf);
  const { externs, refusal } = collectExterns(object.btf, symbols);
  const refusals: string[] = refusal === null ? [] : [refusal];
  const fixed = object.btf === null ? null : fixBtf(object, object.btf, symbols, externs);
  if (fixed !== null) refusals.push(...fixed.refusals);
  const btf = fixed?.btf ?? null;

  const size = settingsSize(externs);
  const settings = readSettings(externs, size, options.kconfig ?? "", littleEndian);
  refusals.push(...settings.refusals);
  const pageSize = options.pageSize ?? DEFAULT_PAGE_BYTES;
  const listed = listMaps(object, btf, name, size === 0 ? null : settings.contents, pageSize);
  refusals.push(...listed.refusals);

  const entries = object.programs.flatMap(({ section }, i) => (section === LIBRARY_SECTION ? [] : [i]));
  const filled =
    btf === null
      ? { maps: listed.maps, refusals: [] }
      : fillSlots(object, btf, symbols, listed.maps, (index) => entries.indexOf(index));
  refusals.push(...filled.refusals);
  const structOps = bindStructOps(filled.maps, btf, target?.btf ?? null);
  const { maps } = structOps;
  refusals.push(...structOps.refusals);
  const relocations = codeRelocations(object, symbols, maps, externs);
  refusals.push(...relocations.refusals);

  const records = target === null ? [] : resolveObject(object, target);
  const applied = applyRecords(object, records);
  refusals.push(...failures(applied));
  const attached = attachTargets(object);
  const found = target === null ? null : findTargets(target.btf, externs, attached);
  const { states, refusals: mismatches } = resolveExterns(externs, object.btf, target?.btf ?? null, found);
  refusals.push(...mismatches);
  const context: Context = {
    object,
    btf,
    applied,
    relocations: relocations.byFunction,
    bindings: {
      externs,
      states,
      settings: maps.findIndex(({ map }) => map.origin === "kconfig"),
    },
    attached,
    found,
    structOps,
    info: infoParts(object),
    callbacks: exceptionCallbacks(object),
    refusals,
  };
  const programs = entries.map((index, place) => planProgram(context, index, place));
  return {
    object: object.source,
    name,
    littleEndian,
    license: license(object),
    kernelVersion: kernelVersion(object),
    btf: btfToLoad(btf, options.features),
    maps: maps.map(({ map }) => map),
    programs,
    externs: externs.map((extern, i) => ({ ...extern, state: stateOf(extern, states[i], settings.set) })),
    needs: kernelNeeds(object),
    records,
    relocated: target !== null,
    refusals,
  };
}

function stateOf(extern: Extern, found: ExternState | undefined, set: ReadonlySet<string>): PlannedExtern["state"] {
  if (extern.kind === "kconfig") return set.has(extern.name) ? "resolved" : extern.weak ? "absent" : "needed";
  return found === "missing" ? "absent" : typeof found === "object" ? "resolved" : "needed";
}

function btfToLoad(btf: Btf | null, features: BtfFeatures | undefined): Uint8Array | null {
  if (btf === null) return null;
  return features === undefined ? encodeBtf(btf) : sanitizeBtf(btf, features);
}

/** What all programs of an object are planned with. */
interface Context {
  readonly object: BpfObject;
  readonly btf: Btf | null;
  readonly applied: readonly AppliedProgram[];
  readonly relocations: readonly (readonly CodeRelocation[])[];
  readonly bindings: Bindings;
  readonly attached: readonly AttachTarget[];
  readonly found: ReadonlyMap<string, number> | null;
  readonly structOps: BoundStructOps;
  readonly info: InfoParts;
  /** Exception callbacks by their programs' names. */
  readonly callbacks: ReadonlyMap<string, number>;
  /** To which a program adds its own. */
  readonly refusals: string[];
}

interface InfoParts {
  readonly functions: SectionRecords | null;
  readonly lines: SectionRecords | null;
}

function planProgram(context: Context, index: number, place: number): PlannedProgram {
  const { object, applied, relocations, bindings, refusals, info } = context;
  const { name, section: whole } = object.programs[index] as BpfProgram;
  const isDefault = !whole.startsWith("?");
  const section = isDefault ? whole : whole.slice(1);
  const known = programSection(section);
  const isMember = known?.type === "struct_ops";
  const member = isMember ? context.structOps.members.get(place) : undefined;
  const autoload = (isMember ? context.structOps.autoload.get(place) : undefined) ?? isDefault;
  if (isMember && autoload && member === undefined) {
    refusals.push(`prog '${name}': SEC("struct_ops") program isn't referenced anywhere`);
  }
  if (known === null && autoload) {
    refusals.push(`prog '${name}': its section '${section}' says no type: whoever loads it must`);
  }
  const code = applied.map(({ instructions }) => instructions);
  const linked = linkProgram(object, index, code, relocations, context.callbacks.get(name) ?? null);
  if (linked.refusal !== null) refusals.push(`prog '${name}': ${linked.refusal}`);
  const references = linked.parts.flatMap((part) =>
    bindReferences(part.code, part.start, relocations[part.index] ?? [], bindings),
  );
  const join = (part: SectionRecords | null): InfoRecords | null => {
    const joined = joinInfo(object, part, linked.parts);
    if (joined === "missing") refusals.push(`prog '${name}': a subprogram has no .BTF.ext records, but others have`);
    return joined === "missing" ? null : joined;
  };
  return {
    name,
    section,
    type: known?.type ?? null,
    typeNumber: known?.typeNumber ?? 0,
    attachType: member?.member ?? known?.attachType ?? 0,
    attachTarget:
      member !== undefined
        ? { kind: "struct_ops", name: member.name, module: null, typeId: member.typeId }
        : known?.attachesByType === true
          ? targetOfProgram(context, name)
          : null,
    flags: known?.flags ?? 0,
    autoload,
    instructions: joinParts(linked.parts),
    references,
    parts: linked.parts.map((part) => ({
      name: object.programs[part.index]?.name ?? "",
      index: part.index,
      start: part.start,
      count: part.code.bytes.length / INSN_BYTES,
    })),
    functions: join(info.functions),
    lines: join(info.lines),
    poisoned: linked.parts.flatMap((part) => poisonedIn(applied[part.index], part.start)),
  };
}

/** Null where the program itself has none (a loader then passes none at all). */
function joinInfo(
  object: BpfObject,
  part: SectionRecords | null,
  parts: readonly LinkedPart[],
): InfoRecords | "missing" | null {
  if (part === null) return null;
  const found: { words: Uint32Array; home: BpfProgram; start: number }[] = [];
  for (const { index, start } of parts) {
    const home = object.programs[index] as BpfProgram;
    const words = recordsOfFunction(part, home);
    if (words === null) return start === 0 ? null : "missing";
    found.push({ words, home, start });
  }
  return joinRecords(part.recordBytes, found);
}

function poisonedIn(applied: AppliedProgram | undefined, start: number): number[] {
  return (applied?.patched ?? []).flatMap(({ insn, outcome }) => (outcome === "poisoned" ? [start + insn] : []));
}

function failures(applied: readonly AppliedProgram[]): string[] {
  // What is not loaded by default is not relocated either.
  const wanted = applied.filter(({ section }) => !section.startsWith("?"));
  return wanted.flatMap(({ name, patched }) =>
    patched.flatMap(({ insn, outcome }) =>
      isFailure(outcome) ? [`prog '${name}': insn #${insn}: ${outcome.failure}`] : [],
    ),
  );
}

function findTargets(target: Btf, externs: readonly Extern[], attached: readonly AttachTarget[]): Map<string, number> {
  const named = attached.flatMap(({ name, targetKind }) => (targetKind === null ? [] : [{ name, kind: targetKind }]));
  return findTypes(target, [...wantedExterns(externs), ...named]);
}

function targetOfProgram({ attached, found }: Context, program: string): PlannedTarget | null {
  const one = attached.find(({ user, kind }) => user === program && kind !== "kptr" && kind !== "struct_ops");
  if (one === undefined) return null;
  const { kind, name, module, targetKind } = one;
  const isInKernel = targetKind !== null && mayBeIn(one, "vmlinux");
  const typeId = isInKernel ? found?.get(keyOf({ name, kind: targetKind })) : undefined;
  return { kind, name, module, typeId: typeId ?? null };
}

function infoParts({ elf, btf, source }: BpfObject): InfoParts {
  const section = findSection(elf, ".BTF.ext");
  const sectionOf = (nameOffset: number): number => {
    if (btf === null || nameOffset >= btf.strings.length) return -1;
    return findSection(elf, stringAt(btf.strings, nameOffset))?.index ?? -1;
  };
  if (section === undefined || section.size === 0 || btf === null) return { functions: null, lines: null };
  const bytes = sectionBytes(elf, section);
  const records = (which: "func_info" | "line_info"): SectionRecords | null => {
    const part = infoPart(bytes, source, which);
    return part === null ? null : recordsBySection(part, sectionOf);
  };
  return { functions: records("func_info"), lines: records("line_info") };
}

/** The section `license` as text; empty without one, which a kernel takes for a proprietary one. */
function license({ elf }: BpfObject): string {
  const section = findSection(elf, "license");
  return section === undefined || section.size === 0 ? "" : textOf(sectionBytes(elf, section));
}

function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end === -1 ? bytes : bytes.subarray(0, end));
}

function kernelVersion({ elf, littleEndian }: BpfObject): number {
  const section = findSection(elf, "version");
  if (section === undefined || section.size !== KERNEL_VERSION_BYTES) return 0;
  const bytes = sectionBytes(elf, section);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, littleEndian);
}
