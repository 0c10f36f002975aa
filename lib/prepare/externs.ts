import { KIND_DATASEC, KIND_FUNC, KIND_VAR } from "../btf/format.ts";
import { resolveSize, skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { nameOf } from "../btf/strings.ts";
import { compareText } from "../btf/text-order.ts";
import { type Btf, kindOf, targetOf, typeCount, vlenOf } from "../btf/view.ts";
import { SHN_UNDEF, STB_GLOBAL, STB_WEAK, STT_NOTYPE } from "../elf/format.ts";
import { type ElfSymbols, symbolBind, symbolName, symbolType } from "../elf/symbols.ts";
import { alignmentOf } from "./alignment.ts";
import { LINKAGE_EXTERN, sectionVariables, variableLinkage } from "./btf-edit.ts";
import { type SettingType, settingType } from "./kconfig.ts";

/** A symbol that an object wants from outside: a setting of the kernel's, or something in the kernel. */
export interface Extern {
  readonly name: string;
  readonly kind: "kconfig" | "ksym";
  /** A loader takes 0 for a weak one that is not there. */
  readonly weak: boolean;
  /** Index into the ELF's symbols. */
  readonly symbol: number;
  /** The VAR or FUNC in the object's BTF. */
  readonly btfId: number;
  /** For a kfunc. */
  readonly isFunction: boolean;
  /** For a variable of the kernel: its type behind modifiers, 0 for one without a type (`void`), or a function. */
  readonly typeId: number;
  /** For a setting. Bytes; the place in the map `.kconfig`. */
  readonly setting: {
    readonly type: SettingType;
    readonly signed: boolean;
    readonly size: number;
    readonly align: number;
    readonly offset: number;
  } | null;
}

/** What an object asks for, sorted as libbpf sorts; or why it does not open the object. */
export interface ExternList {
  readonly externs: readonly Extern[];
  readonly refusal: string | null;
}

export const KCONFIG_SECTION = ".kconfig";
export const KSYMS_SECTION = ".ksyms";

/** Collects undefined symbols with their types (libbpf.c, bpf_object__collect_externs); reads only. */
export function collectExterns(btf: Btf | null, symbols: ElfSymbols): ExternList {
  const found: Extern[] = [];
  const refuse = (refusal: string): ExternList => ({ externs: [], refusal });
  let known: ReadonlyMap<string, number> | undefined;
  let homes: ReadonlyMap<number, string> | undefined;
  for (let i = 0; i < symbols.count; i++) {
    if (!isExtern(symbols, i)) continue;
    const name = symbolName(symbols, i);
    if (name === "") continue;
    if (btf !== null) known ??= typesByName(btf);
    const btfId = btf === null ? -1 : externOf(btf, known?.get(name));
    if (btf === null || btfId === -1) return refuse(`extern '${name}' has no type in the object's BTF`);
    homes ??= sectionsByMember(btf);
    const section = homes.get(btfId);
    const weak = symbolBind(symbols, i) === STB_WEAK;
    const isFunction = kindOf(btf, btfId) === KIND_FUNC;
    const common = { name, weak, symbol: i, btfId, isFunction };
    if (section === KSYMS_SECTION) {
      // For a function: its prototype, which is no modifier.
      const typeId = skipModifiersAndTypedefs(btf, targetOf(btf, btfId));
      found.push({ ...common, kind: "ksym", typeId, setting: null });
    } else if (section === KCONFIG_SECTION) {
      const setting = isFunction ? null : settingOf(btf, targetOf(btf, btfId));
      if (setting === null) return refuse(`extern (kcfg) '${name}': type is unsupported`);
      found.push({ ...common, kind: "kconfig", typeId: 0, setting });
    } else return refuse(`extern '${name}' is in the section '${section ?? ""}', which is none for externs`);
  }
  return { externs: withOffsets(found.sort(compareExterns)), refusal: null };
}

/** Bytes that the map `.kconfig` takes; 0 for no setting. */
export function settingsSize(externs: readonly Extern[]): number {
  const last = externs.filter(({ kind }) => kind === "kconfig").at(-1)?.setting;
  return last === undefined || last === null ? 0 : last.offset + last.size;
}

function isExtern(symbols: ElfSymbols, i: number): boolean {
  const bind = symbolBind(symbols, i);
  return (
    symbols.sections[i] === SHN_UNDEF &&
    (bind === STB_GLOBAL || bind === STB_WEAK) &&
    symbolType(symbols, i) === STT_NOTYPE
  );
}

/** The first VAR or FUNC of each name. */
function typesByName(btf: Btf): Map<string, number> {
  const found = new Map<string, number>();
  for (let id = 1; id < typeCount(btf); id++) {
    const kind = kindOf(btf, id);
    if (kind !== KIND_VAR && kind !== KIND_FUNC) continue;
    const name = nameOf(btf, id);
    if (!found.has(name)) found.set(name, id);
  }
  return found;
}

/** A type that is an extern one, else -1. */
function externOf(btf: Btf, id: number | undefined): number {
  if (id === undefined) return -1;
  const linkage = kindOf(btf, id) === KIND_VAR ? variableLinkage(btf, id) : vlenOf(btf, id);
  return linkage === LINKAGE_EXTERN ? id : -1;
}

/** The first DATASEC that each VAR or FUNC is in. */
function sectionsByMember(btf: Btf): Map<number, string> {
  const found = new Map<number, string>();
  for (let id = 1; id < typeCount(btf); id++) {
    if (kindOf(btf, id) !== KIND_DATASEC) continue;
    const name = nameOf(btf, id);
    for (const { type } of sectionVariables(btf, id)) if (!found.has(type)) found.set(type, name);
  }
  return found;
}

/** The longest value of a kernel's config is a line of text. */
const MAX_SETTING_BYTES = 1 << 16;

function settingOf(btf: Btf, type: number): Extern["setting"] {
  const found = settingType(btf, type);
  const size = resolveSize(btf, type);
  const align = alignmentOf(btf, type);
  return found === null || size <= 0 || size > MAX_SETTING_BYTES || align <= 0
    ? null
    : { ...found, size, align, offset: 0 };
}

/** Settings first, by alignment (falling), size and name; then symbols by name. */
function compareExterns(a: Extern, b: Extern): number {
  if (a.kind !== b.kind) return a.kind === "kconfig" ? -1 : 1;
  if (a.setting !== null && b.setting !== null) {
    if (a.setting.align !== b.setting.align) return b.setting.align - a.setting.align;
    if (a.setting.size !== b.setting.size) return a.setting.size - b.setting.size;
  }
  return compareText(a.name, b.name);
}

function withOffsets(externs: readonly Extern[]): Extern[] {
  let end = 0;
  return externs.map((extern) => {
    if (extern.setting === null) return extern;
    const { align, size } = extern.setting;
    const offset = Math.ceil(end / align) * align;
    end = offset + size;
    return { ...extern, setting: { ...extern.setting, offset } };
  });
}
