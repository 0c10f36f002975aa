import { KIND_FUNC, KIND_VAR } from "../btf/format.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { essentialLength, nameOf } from "../btf/strings.ts";
import { type Btf, kindOf, targetOf, typeCount } from "../btf/view.ts";
import { MATCH, matchState } from "../core/match-state.ts";
import { typesCompatible } from "../core/match-type.ts";
import { LIBBPF_RULES } from "../core/rules.ts";
import type { ExternState } from "./bind.ts";
import type { Extern } from "./externs.ts";

/** A name and kind to look for. */
export interface Wanted {
  readonly name: string;
  readonly kind: number;
}

/** The key of an answer. */
export function keyOf({ name, kind }: Wanted): string {
  return `${kind} ${name}`;
}

/**
 * The first type of each name and kind, by key. The ids are those of the view; of a module's types they are no ids that
 * a kernel knows, so only the base is looked through. One pass for all.
 */
export function findTypes(target: Btf, wanted: readonly Wanted[]): Map<string, number> {
  return findBetween(target, wanted, 1, baseEnd(target));
}

function baseEnd(target: Btf): number {
  return target.segments[0]?.endId ?? typeCount(target);
}

function findBetween(target: Btf, wanted: readonly Wanted[], from: number, end: number): Map<string, number> {
  const names = new Set(wanted.map(keyOf));
  const kinds = new Set(wanted.map(({ kind }) => kind));
  const found = new Map<string, number>();
  for (let id = from; id < end && found.size < names.size; id++) {
    const kind = kindOf(target, id);
    if (!kinds.has(kind)) continue;
    const key = keyOf({ name: nameOf(target, id), kind });
    if (names.has(key) && !found.has(key)) found.set(key, id);
  }
  return found;
}

/** What to look for to resolve typed externs: functions by their names without flavour, variables by whole names. */
export function wantedExterns(externs: readonly Extern[]): Wanted[] {
  return externs.flatMap((extern): Wanted[] => {
    const wanted = wantedOf(extern);
    return wanted === null ? [] : [wanted];
  });
}

/** What is known of externs, and why a loader refuses the object for one of them. */
export interface ResolvedExterns {
  readonly states: readonly ExternState[];
  readonly refusals: readonly string[];
}

/**
 * What became of each extern (libbpf.c, bpf_object__resolve_ksyms_btf_id): a variable or function of the target that has
 * its name must be of its type, too. `local` is the object's own BTF, `found` what findTypes gave.
 */
export function resolveExterns(
  externs: readonly Extern[],
  local: Btf | null,
  target: Btf | null,
  found: ReadonlyMap<string, number> | null,
): ResolvedExterns {
  const refusals: string[] = [];
  const ofModules =
    target === null
      ? new Map<string, number>()
      : findBetween(target, wantedExterns(externs), baseEnd(target), typeCount(target));
  const states = externs.map((extern): ExternState => {
    const wanted = wantedOf(extern);
    if (found === null || wanted === null || local === null || target === null) return "unknown";
    const typeId = found.get(keyOf(wanted));
    // A strong one may be that of a module which is not here.
    if (typeId === undefined) return extern.weak && !ofModules.has(keyOf(wanted)) ? "missing" : "unknown";
    if (isCompatible(extern, local, target, typeId)) return { typeId };
    // A weak function of another type is taken for absent, a variable never is.
    if (extern.isFunction && extern.weak) return "missing";
    refusals.push(`extern '${extern.name}' is of another type than the target's [${typeId}]`);
    return "unknown";
  });
  return { states, refusals };
}

function isCompatible({ typeId, isFunction }: Extern, local: Btf, target: Btf, found: number): boolean {
  const type = targetOf(target, found);
  const wanted = isFunction ? type : skipModifiersAndTypedefs(target, type);
  return typesCompatible(matchState(local, target, LIBBPF_RULES, null), typeId, wanted) === MATCH;
}

function wantedOf({ kind, isFunction, typeId, name }: Extern): Wanted | null {
  if (kind !== "ksym" || (!isFunction && typeId === 0)) return null;
  if (!isFunction) return { name, kind: KIND_VAR };
  const bytes = new TextEncoder().encode(`${name}\0`);
  return { name: new TextDecoder().decode(bytes.subarray(0, essentialLength(bytes, 0))), kind: KIND_FUNC };
}
