import { KIND_FLOAT, KIND_FWD, KIND_INT, KIND_TYPEDEF } from "../btf/format.ts";
import { type Btf, isComposite, isEnum, kindOf, nameOffsetOf, typeCount, vlenOf } from "../btf/view.ts";
import { isNamelessComposite, referenceAt, referenceCount, unfolded } from "./references.ts";
import { isBuiltIn } from "./scalars.ts";

/** How deep structs without names may lie in each other before they get one. */
const MAX_NESTING = 16;
/** How many members a struct without a name may cost in all, wherever it is written out, before it gets one. */
const MAX_MEMBERS = 4096;
const MANY = 1 << 30;

/** Types without a name, as a header treats them. */
export interface Nameless {
  /** Those that need a name made up: C cannot say what they are in place. */
  readonly toName: Set<number>;
  /** How often a type is written out, by id, up to `MANY`: 0 for an enum that nothing refers to. */
  readonly uses: Uint32Array;
  /** Integers and floats that compilers do not have by the BTF's name. */
  readonly foreign: ReadonlySet<number>;
}

/**
 * Finds the types without a name that C cannot write out where they are used: structs that lead to themselves (no
 * compiler makes them, but a minimizer that takes names away does), are nested or repeated beyond measure, enums that
 * are used twice (whose enumerators would be defined twice), and forward declarations.
 */
export function findNameless(btf: Btf): Nameless {
  const toName = new Set<number>();
  const foreign = new Set<number>();
  const order = referrersFirst(btf, toName);
  const uses = new Uint32Array(typeCount(btf));
  const depths = new Uint8Array(typeCount(btf));
  for (const id of order) {
    const kind = kindOf(btf, id);
    const nameless = nameOffsetOf(btf, id) === 0;
    const composite = isComposite(kind);
    let count = uses[id] as number;
    if (composite && nameless && (depths[id] === MAX_NESTING || (count > 1 && count * vlenOf(btf, id) > MAX_MEMBERS))) {
      toName.add(id);
    }
    if (isEnum(kind) && nameless && count > 1) toName.add(id);
    if (kind === KIND_FWD && nameless) toName.add(id);
    if ((kind === KIND_INT || kind === KIND_FLOAT) && !isBuiltIn(btf, id)) foreign.add(id);
    // What has a name is written out once, and where a member without a name unfolds it.
    const once = kind === KIND_TYPEDEF || (composite && !nameless) || toName.has(id);
    if (once) count = kind === KIND_TYPEDEF ? 1 : 1 + unfoldings(count, composite && !nameless);
    const depth = once ? 0 : (depths[id] as number) + (composite ? 1 : 0);
    for (let i = 0; i < referenceCount(btf, id); i++) {
      const to = referenceAt(btf, id, i);
      depths[to] = Math.max(depths[to] as number, depth);
      // A pointer to a struct with a name does not write it out.
      if (isComposite(kindOf(btf, to)) && nameOffsetOf(btf, to) !== 0 && (!composite || unfolded(btf, id, i) === 0))
        continue;
      uses[to] = Math.min(MANY, (uses[to] as number) + count);
    }
  }
  return { toName, uses, foreign };
}

const unfoldings = (count: number, named: boolean): number => (named ? count : 0);

/**
 * All types, each behind those that refer to it, as far as there are no circles; a struct without a name that closes
 * one goes into `toName`. Named structs end a path but where they are unfolded.
 */
function referrersFirst(btf: Btf, toName: Set<number>): Uint32Array {
  const count = typeCount(btf);
  const order = new Uint32Array(count);
  let free = count;
  // 0: not met, 1: on the path, 2: done.
  const state = new Uint8Array(count);
  const path: number[] = [];
  const cursors: number[] = [];
  // Where a type stands on the path, and by place on the path the last struct without a name, as a place plus one.
  const places = new Uint32Array(count);
  const lastNameless: number[] = [];
  const enter = (id: number): void => {
    state[id] = 1;
    places[id] = path.length;
    lastNameless.push(isNamelessComposite(btf, id) ? path.length + 1 : (lastNameless.at(-1) ?? 0));
    path.push(id);
    cursors.push(0);
  };
  for (let root = count - 1; root > 0; root--) {
    if (state[root] !== 0) continue;
    enter(root);
    while (path.length > 0) {
      const id = path[path.length - 1] as number;
      const cursor = cursors[cursors.length - 1] as number;
      if (cursor === referenceCount(btf, id)) {
        state[id] = 2;
        order[--free] = id;
        path.pop();
        cursors.pop();
        lastNameless.pop();
        continue;
      }
      cursors[cursors.length - 1] = cursor + 1;
      const to = referenceAt(btf, id, cursor);
      if (to === 0 || state[to] === 2) continue;
      const named = isComposite(kindOf(btf, to)) && nameOffsetOf(btf, to) !== 0;
      if (named && !(isComposite(kindOf(btf, id)) && unfolded(btf, id, cursor) === to)) continue;
      if (state[to] === 0) enter(to);
      else {
        const place = lastNameless.at(-1) as number;
        if (place > (places[to] as number)) toName.add(path[place - 1] as number);
      }
    }
  }
  return order.subarray(free);
}
