import { KIND_FUNC, KIND_VAR } from "../btf/format.ts";
import { essentialLength, nameOf } from "../btf/strings.ts";
import { type Btf, kindOf, typeCount } from "../btf/view.ts";
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
  const names = new Set(wanted.map(keyOf));
  const kinds = new Set(wanted.map(({ kind }) => kind));
  const found = new Map<string, number>();
  const end = target.segments[0]?.endId ?? typeCount(target);
  for (let id = 1; id < end && found.size < names.size; id++) {
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

/** What became of each extern, given what was found; null for no target. */
export function externStates(externs: readonly Extern[], found: ReadonlyMap<string, number> | null): ExternState[] {
  return externs.map((extern): ExternState => {
    const wanted = wantedOf(extern);
    if (found === null || wanted === null) return "unknown";
    const typeId = found.get(keyOf(wanted));
    if (typeId !== undefined) return { typeId };
    // A strong one may be a module's.
    return extern.weak ? "missing" : "unknown";
  });
}

function wantedOf({ kind, isFunction, typeId, name }: Extern): Wanted | null {
  if (kind !== "ksym" || (!isFunction && typeId === 0)) return null;
  if (!isFunction) return { name, kind: KIND_VAR };
  const bytes = new TextEncoder().encode(`${name}\0`);
  return { name: new TextDecoder().decode(bytes.subarray(0, essentialLength(bytes, 0))), kind: KIND_FUNC };
}
