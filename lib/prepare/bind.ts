import {
  type Code,
  immediateOf,
  PSEUDO_BTF_ID,
  PSEUDO_KFUNC_CALL,
  PSEUDO_MAP_INDEX,
  PSEUDO_MAP_INDEX_VALUE,
  poisonCall,
  setImmediate,
  setSource,
} from "./code-access.ts";
import type { CodeRelocation } from "./code-relocations.ts";
import type { Extern } from "./externs.ts";
import type { Reference } from "./plan.ts";

/** What is known of an extern in the target: a type id of its BTF, that it is not there, or nothing. */
export type ExternState = { readonly typeId: number } | "missing" | "unknown";

/** Helper numbers by which a weak kfunc that is not there is told in a verifier's log, from this on (libbpf.c). */
const MISSING_KFUNC = 2_002_000_000;

/** What instructions are bound to. */
export interface Bindings {
  readonly externs: readonly Extern[];
  readonly states: readonly ExternState[];
  /** Index of the map `.kconfig`; -1 for none. */
  readonly settings: number;
}

/**
 * Writes map indexes, places in maps and the ids of externs into a function's code, and gives what is left for a loader
 * (libbpf.c, bpf_object__relocate_data). `start` is the function's first instruction in its program.
 */
export function bindReferences(
  code: Code,
  start: number,
  relocations: readonly CodeRelocation[],
  bindings: Bindings,
): Reference[] {
  return relocations.flatMap((relocation): Reference[] => {
    const { insn } = relocation;
    const at = start + insn;
    switch (relocation.kind) {
      case "map":
        setSource(code, insn, PSEUDO_MAP_INDEX);
        setImmediate(code, insn, relocation.map);
        return [{ kind: "map", insn: at, map: relocation.map }];
      case "map-value":
        return [mapValue(code, insn, at, relocation.map, (immediateOf(code, insn) + relocation.offset) >>> 0)];
      case "extern":
        return bindVariable(code, insn, at, relocation.extern, bindings);
      case "extern-call":
        return bindCall(code, insn, at, relocation.extern, bindings);
      default:
        // Calls and addresses of functions were put right when the program was linked.
        return [];
    }
  });
}

function mapValue(code: Code, insn: number, at: number, map: number, offset: number): Reference {
  setImmediate(code, insn + 1, offset);
  setSource(code, insn, PSEUDO_MAP_INDEX_VALUE);
  setImmediate(code, insn, map);
  return { kind: "map-value", insn: at, map, offset };
}

function bindVariable(code: Code, insn: number, at: number, index: number, bindings: Bindings): Reference[] {
  const extern = bindings.externs[index];
  const state = bindings.states[index];
  if (extern?.setting != null) return [mapValue(code, insn, at, bindings.settings, extern.setting.offset)];
  setImmediate(code, insn, 0);
  setImmediate(code, insn + 1, 0);
  if (extern?.typeId === 0) return [{ kind: "ksym", insn: at, extern: index }];
  if (state === "missing") return [];
  setSource(code, insn, PSEUDO_BTF_ID);
  if (typeof state === "object") setImmediate(code, insn, state.typeId);
  return [{ kind: "typed-ksym", insn: at, extern: index }];
}

function bindCall(code: Code, insn: number, at: number, index: number, { states }: Bindings): Reference[] {
  const state = states[index];
  if (state === "missing") {
    poisonCall(code, insn, MISSING_KFUNC + index);
    return [];
  }
  setSource(code, insn, PSEUDO_KFUNC_CALL);
  setImmediate(code, insn, typeof state === "object" ? state.typeId : 0);
  return [{ kind: "kfunc", insn: at, extern: index }];
}
