import {
  KIND_DATASEC,
  KIND_FUNC,
  KIND_INT,
  KIND_VAR,
  PARAM_NAME_WORD,
  PARAM_WORDS,
  SIZE_OR_TYPE_WORD,
  TYPE_WORDS,
} from "../btf/format.ts";
import { intBits, paramName, paramType } from "../btf/members.ts";
import { nameOf } from "../btf/strings.ts";
import { type Btf, kindOf, nameOffsetOf, recordOf, sizeOf, targetOf, typeCount, vlenOf } from "../btf/view.ts";
import type { BpfObject } from "../core/object.ts";
import { findSection } from "../elf/elf.ts";
import { STB_GLOBAL, STB_LOCAL, STB_WEAK, STT_OBJECT, STV_HIDDEN, STV_INTERNAL } from "../elf/format.ts";
import { type ElfSymbols, symbolBind, symbolName, symbolType, symbolVisibility } from "../elf/symbols.ts";
import {
  appendVariable,
  editableBtf,
  LINKAGE_EXTERN,
  LINKAGE_GLOBAL,
  LINKAGE_STATIC,
  type SectionVariable,
  sectionVariables,
  setFunctionLinkage,
  setSectionVariables,
  setVariableLinkage,
  variableLinkage,
} from "./btf-edit.ts";
import { type Extern, KCONFIG_SECTION, KSYMS_SECTION, settingsSize } from "./externs.ts";

/** Stands for kfuncs, which a kernel takes no DATASEC of (libbpf.c, add_dummy_ksym_var). */
const DUMMY = "dummy_ksym";
/** Bytes that each extern of `.ksyms` is made to take. */
const KSYM_BYTES = 4;
const LIBRARY = ".text";

/** The object's BTF as a loader hands it to the kernel, or why it opens the object not at all. */
export interface FixedBtf {
  readonly btf: Btf;
  readonly refusals: readonly string[];
}

/**
 * Does to an object's BTF what the compiler could not: sizes and offsets of sections from the ELF file, externs made into
 * variables, hidden functions and variables static (libbpf.c, bpf_object__collect_externs, btf_fixup_datasec,
 * bpf_object__sanitize_and_load_btf). The object's own BTF stays as it is.
 */
export function fixBtf(object: BpfObject, source: Btf, symbols: ElfSymbols, externs: readonly Extern[]): FixedBtf {
  const refusals: string[] = [];
  const { btf, dummy } = withDummy(source);
  const known = new Map(externs.map((extern) => [extern.name, extern]));
  for (const id of sections(btf)) {
    const name = nameOf(btf, id);
    const missing =
      name === KSYMS_SECTION && externs.some(({ kind }) => kind === "ksym")
        ? fixSymbols(btf, id, known, dummy)
        : name === KCONFIG_SECTION && externs.some(({ kind }) => kind === "kconfig")
          ? fixSettings(btf, id, known, settingsSize(externs))
          : null;
    if (missing !== null) refusals.push(`no extern is defined for '${missing}' of section ${name}`);
  }
  const symbolOf = variableSymbols(symbols);
  for (const id of sections(btf)) {
    const refusal = fixSection(object, btf, id, symbols, symbolOf);
    if (refusal !== null) refusals.push(refusal);
  }
  hideSubprograms(object, btf, symbols);
  return { btf, refusals };
}

function sections(btf: Btf): number[] {
  return Array.from({ length: typeCount(btf) }, (_, id) => id).filter((id) => kindOf(btf, id) === KIND_DATASEC);
}

/** Adds the stand-in variable where the object has kfuncs; its id is 0 where it has none. */
function withDummy(source: Btf): { btf: Btf; dummy: number } {
  const btf = editableBtf(source);
  const section = sections(btf).find((id) => nameOf(btf, id) === KSYMS_SECTION);
  const hasFunction =
    section !== undefined && sectionVariables(btf, section).some(({ type }) => kindOf(btf, type) === KIND_FUNC);
  if (!hasFunction) return { btf, dummy: 0 };
  const added = appendVariable(btf, DUMMY, LINKAGE_GLOBAL, integerOf32(btf));
  return { btf: added.btf, dummy: added.id };
}

/** The first INT of 32 bits; void where there is none, as libbpf has it. */
function integerOf32(btf: Btf): number {
  for (let id = 1; id < typeCount(btf); id++) if (kindOf(btf, id) === KIND_INT && intBits(btf, id) === 32) return id;
  return 0;
}

function setSize(btf: Btf, id: number, size: number): void {
  btf.words[recordOf(btf, id) + SIZE_OR_TYPE_WORD] = size;
}

/** Makes each extern of `.ksyms` an int, and each function the stand-in; gives the name of one that is no extern. */
function fixSymbols(btf: Btf, id: number, known: ReadonlyMap<string, Extern>, dummy: number): string | null {
  const integer = integerOf32(btf);
  const variables = sectionVariables(btf, id);
  const fixed: SectionVariable[] = [];
  for (const [i, { type }] of variables.entries()) {
    const name = nameOf(btf, type);
    if (!known.has(name)) return name;
    const isFunction = kindOf(btf, type) === KIND_FUNC;
    if (isFunction) {
      nameParameters(btf, targetOf(btf, type), nameOffsetOf(btf, dummy));
      setFunctionLinkage(btf, type, LINKAGE_GLOBAL);
    } else {
      setVariableLinkage(btf, type, LINKAGE_GLOBAL);
      btf.words[recordOf(btf, type) + SIZE_OR_TYPE_WORD] = integer;
    }
    fixed.push({ type: isFunction ? dummy : type, offset: i * KSYM_BYTES, size: KSYM_BYTES });
  }
  setSectionVariables(btf, id, fixed);
  setSize(btf, id, fixed.length * KSYM_BYTES);
  return null;
}

/** A kernel wants names for all parameters of a function that is not extern. */
function nameParameters(btf: Btf, prototype: number, name: number): void {
  const first = recordOf(btf, prototype) + TYPE_WORDS;
  for (let i = 0; i < vlenOf(btf, prototype); i++) {
    if (paramType(btf, prototype, i) !== 0 && paramName(btf, prototype, i) === 0) {
      btf.words[first + i * PARAM_WORDS + PARAM_NAME_WORD] = name;
    }
  }
}

function fixSettings(btf: Btf, id: number, known: ReadonlyMap<string, Extern>, size: number): string | null {
  const fixed: SectionVariable[] = [];
  for (const variable of sectionVariables(btf, id)) {
    const name = nameOf(btf, variable.type);
    const setting = known.get(name)?.setting ?? null;
    if (setting === null) return name;
    setVariableLinkage(btf, variable.type, LINKAGE_GLOBAL);
    fixed.push({ ...variable, offset: setting.offset });
  }
  setSectionVariables(btf, id, fixed);
  setSize(btf, id, size);
  return null;
}

/** Size and offsets of a section that a compiler left at 0; hidden variables become static; sorted by offset. */
function fixSection(
  { elf }: BpfObject,
  btf: Btf,
  id: number,
  symbols: ElfSymbols,
  symbolOf: ReadonlyMap<string, number>,
): string | null {
  const name = nameOf(btf, id);
  const variables = sectionVariables(btf, id);
  let fixed = variables;
  if (name !== KCONFIG_SECTION && name !== KSYMS_SECTION) {
    const isNew = sizeOf(btf, id) === 0;
    if (isNew) {
      const size = findSection(elf, name)?.size ?? 0;
      if (size === 0) return `section '${name}' has variables but no size`;
      setSize(btf, id, size);
    }
    fixed = [];
    for (const variable of variables) {
      const { type } = variable;
      if (kindOf(btf, type) !== KIND_VAR) return `section '${name}' has something that is no variable`;
      const linkage = variableLinkage(btf, type);
      if (linkage === LINKAGE_STATIC || linkage === LINKAGE_EXTERN) {
        fixed.push(variable);
        continue;
      }
      const symbol = symbolOf.get(nameOf(btf, type));
      if (symbol === undefined) return `no symbol for variable '${nameOf(btf, type)}' of section '${name}'`;
      fixed.push(isNew ? { ...variable, offset: symbols.values[symbol] as number } : variable);
      if (isHidden(symbols, symbol)) setVariableLinkage(btf, type, LINKAGE_STATIC);
    }
  }
  setSectionVariables(
    btf,
    id,
    [...fixed].sort((a, b) => (a.offset | 0) - (b.offset | 0)),
  );
  return null;
}

/** The first symbol of each global variable's name. */
function variableSymbols(symbols: ElfSymbols): Map<string, number> {
  const found = new Map<string, number>();
  for (let i = 0; i < symbols.count; i++) {
    const bind = symbolBind(symbols, i);
    if (symbolType(symbols, i) !== STT_OBJECT || (bind !== STB_GLOBAL && bind !== STB_WEAK)) continue;
    const name = symbolName(symbols, i);
    if (!found.has(name)) found.set(name, i);
  }
  return found;
}

function isHidden(symbols: ElfSymbols, symbol: number): boolean {
  const visibility = symbolVisibility(symbols, symbol);
  return visibility === STV_HIDDEN || visibility === STV_INTERNAL;
}

/** A hidden global subprogram is verified with its callers, as a static one: the kernel goes by the BTF. */
function hideSubprograms({ elf, programs }: BpfObject, btf: Btf, symbols: ElfSymbols): void {
  const hidden = new Set<string>();
  const text = findSection(elf, LIBRARY)?.index;
  for (let i = 0; i < symbols.count; i++) {
    if (symbols.sections[i] !== text || symbolBind(symbols, i) === STB_LOCAL || !isHidden(symbols, i)) continue;
    hidden.add(symbolName(symbols, i));
  }
  for (const { name, section } of programs) {
    if (section !== LIBRARY || !hidden.has(name)) continue;
    for (let id = 1; id < typeCount(btf); id++) {
      if (kindOf(btf, id) !== KIND_FUNC || vlenOf(btf, id) !== LINKAGE_GLOBAL || nameOf(btf, id) !== name) continue;
      setFunctionLinkage(btf, id, LINKAGE_STATIC);
      break;
    }
  }
}
