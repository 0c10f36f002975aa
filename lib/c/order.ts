import { FormatError } from "../btf/error.ts";
import { KIND_ARRAY, KIND_FLOAT, KIND_FUNC_PROTO, KIND_FWD, KIND_INT, KIND_PTR, KIND_TYPEDEF } from "../btf/format.ts";
import { arrayElement, memberType, paramType } from "../btf/members.ts";
import {
  type Btf,
  isComposite,
  isEnum,
  isModifier,
  kindOf,
  nameOffsetOf,
  targetOf,
  typeCount,
  vlenOf,
} from "../btf/view.ts";
import type { Nameless } from "./nameless.ts";
import { isNamelessComposite, isTooLong, MAX_CHAIN, madeOf, unfolded } from "./references.ts";

/** What a header declares, in an order in which a compiler can read it. */
export interface Order {
  /** Structs, unions, enums, typedefs and stand-ins for integers: each behind all that must be known before. */
  readonly units: readonly number[];
  /** By id, structs and unions whose tags a unit's function types are the first to mention, which C would forget again. */
  readonly forward: ReadonlyMap<number, readonly number[]>;
  /** By id, the structs and unions that are written out inside a unit, inner ones first. */
  readonly bodies: ReadonlyMap<number, readonly number[]>;
  /** Types of members that are not spelled out, with what they have that is beyond a bound. */
  readonly unsaid: ReadonlyMap<number, string>;
}

/** How deep structs without names and functions may be written out inside each other. */
const MAX_NESTING = 64;
/** How many types and members may be looked at, per type of the BTF, before its text would grow beyond all measure. */
const MOST_STEPS_A_TYPE = 64;
const MOST_STEPS_AT_LEAST = 1 << 20;

/** A walk under way: one for all units. */
interface Walk {
  readonly btf: Btf;
  readonly nameless: Nameless;
  /** What the unit in hand needs before it, behind `needFrom` for those on the path. */
  readonly needs: number[];
  forward: number[];
  bodies: number[];
  /** Enums without a name that some unit has inside. */
  readonly inside: Set<number>;
  readonly unsaid: Map<number, string>;
  /** Functions whose parameters are being looked at, inner ones last. */
  readonly functions: number[];
  /** The unit that was the last to ask for a type or a tag. */
  readonly askedBy: Uint32Array;
  readonly mentionedBy: Uint32Array;
  steps: number;
}

/** True for what a header declares on its own: all that has a name, or has to be given one. */
export function isUnit(btf: Btf, nameless: Nameless, id: number): boolean {
  const kind = kindOf(btf, id);
  if (isComposite(kind) || isEnum(kind)) return nameOffsetOf(btf, id) !== 0 || nameless.toName.has(id);
  if (kind === KIND_INT || kind === KIND_FLOAT) return nameless.foreign.has(id);
  return kind === KIND_TYPEDEF || kind === KIND_FWD;
}

/**
 * Orders what `roots` need, depth first and by an explicit stack. A definition comes behind the structs it has inside
 * and behind all typedefs and enums it mentions; a pointer to a struct needs nothing but its tag, which breaks all
 * circles of C. All that is spelled out later is looked at here, so that nothing can go wrong once text is out. @throws
 * FormatError for circles that C cannot have: a struct inside itself, a typedef, a pointer or a function of itself.
 */
export function orderUnits(btf: Btf, nameless: Nameless, roots: Iterable<number>): Order {
  const count = typeCount(btf);
  const walk: Walk = {
    btf,
    nameless,
    needs: [],
    forward: [],
    bodies: [],
    inside: new Set(),
    unsaid: new Map(),
    functions: [],
    askedBy: new Uint32Array(count),
    mentionedBy: new Uint32Array(count),
    steps: Math.max(MOST_STEPS_AT_LEAST, count * MOST_STEPS_A_TYPE),
  };
  const units: number[] = [];
  const forward = new Map<number, readonly number[]>();
  const bodies = new Map<number, readonly number[]>();
  // 0: not met, 1: on the path, 2: done.
  const state = new Uint8Array(count);
  const path: number[] = [];
  const starts: number[] = [];
  const enter = (id: number): void => {
    state[id] = 1;
    path.push(id);
    starts.push(walk.needs.length);
    needsOfUnit(walk, id);
    if (walk.forward.length > 0) {
      forward.set(id, walk.forward);
      walk.forward = [];
    }
    if (walk.bodies.length > 0) {
      bodies.set(id, walk.bodies);
      walk.bodies = [];
    }
  };
  const namelessEnums: number[] = [];
  for (const root of roots) {
    if (state[root] !== 0) continue;
    if (isEnum(kindOf(btf, root)) && !isUnit(btf, nameless, root)) {
      namelessEnums.push(root);
      continue;
    }
    enter(root);
    while (path.length > 0) {
      const id = path[path.length - 1] as number;
      if (walk.needs.length === starts[starts.length - 1]) {
        state[id] = 2;
        if (isUnit(btf, nameless, id)) units.push(id);
        path.pop();
        starts.pop();
        continue;
      }
      const need = walk.needs.pop() as number;
      if (state[need] === 0) enter(need);
      else if (state[need] === 1) {
        const what = need === id ? "needs itself" : `and type ${id} need each other`;
        throw new FormatError("type-loop", `${what} to be complete, which C cannot say`, {
          source: btf.source,
          section: "BTF types",
          typeId: need,
        });
      }
    }
  }
  // Enums for the sake of their enumerators; one that a struct or typedef has inside is there already.
  for (const id of namelessEnums) if (!walk.inside.has(id)) units.push(id);
  return { units, forward, bodies, unsaid: walk.unsaid };
}

/** Gathers what must come before a unit, the last first. */
function needsOfUnit(walk: Walk, id: number): void {
  const { btf } = walk;
  const kind = kindOf(btf, id);
  const from = walk.needs.length;
  if (isComposite(kind)) members(walk, id, id, 0);
  else if (kind === KIND_TYPEDEF || !isUnit(btf, walk.nameless, id)) {
    const beyond = mention(walk, id, kind === KIND_TYPEDEF ? targetOf(btf, id) : id, false, 0);
    if (beyond !== "") throw tooMuch(btf, id, beyond);
  }
  // From a stack they come in reverse.
  const { needs } = walk;
  for (let i = from, j = needs.length - 1; i < j; i++, j--) {
    const swap = needs[i] as number;
    needs[i] = needs[j] as number;
    needs[j] = swap;
  }
}

/** The members of a struct that is written out as part of a unit. */
function members(walk: Walk, unit: number, composite: number, nesting: number): void {
  const { btf } = walk;
  if (nesting > MAX_NESTING)
    throw tooMuch(btf, composite, `structs without names are nested deeper than ${MAX_NESTING}`);
  for (let i = 0; i < vlenOf(btf, composite); i++) {
    const inner = unfolded(btf, composite, i);
    if (inner !== 0) members(walk, unit, inner, nesting + 1);
    else {
      const type = memberType(btf, composite, i);
      const tooLong = whole(walk, unit, type);
      const beyond = mention(walk, unit, type, false, nesting) || tooLong;
      if (beyond !== "") walk.unsaid.set(type, beyond);
    }
  }
  if (composite !== unit) walk.bodies.push(composite);
}

/** An object of the type is there: the struct that it is made of must be complete. Says what is beyond a bound, if any. */
function whole(walk: Walk, unit: number, type: number): string {
  const made = madeOf(walk.btf, type);
  if (isComposite(kindOf(walk.btf, made)) && isUnit(walk.btf, walk.nameless, made)) ask(walk, unit, made);
  return made === 0 && isTooLong(walk.btf, type)
    ? `more than ${MAX_CHAIN} typedefs, qualifiers and arrays in a row`
    : "";
}

/**
 * The type is spelled out: in a function's parameters, a tag must be known before. Says what the type has that is beyond
 * a bound, so that it cannot be spelled out; empty for nearly all.
 */
function mention(walk: Walk, unit: number, type: number, inFunction: boolean, nesting: number): string {
  const { btf, nameless, functions } = walk;
  let at = type;
  let inArray = false;
  let beyond = "";
  // What goes through more types than there are has met one twice.
  for (let i = 0; i <= typeCount(btf); i++) {
    if (--walk.steps < 0) throw tooMuch(btf, unit, "the text of its types would grow beyond all measure");
    const kind = kindOf(btf, at);
    if (kind === KIND_PTR || isModifier(kind)) {
      at = targetOf(btf, at);
      inArray &&= kind !== KIND_PTR;
    } else if (kind === KIND_ARRAY) {
      at = arrayElement(btf, at);
      if (!inArray) beyond ||= whole(walk, unit, at);
      inArray = true;
    } else if (kind === KIND_FUNC_PROTO) {
      if (functions.includes(at)) throw endless(btf, at);
      if (nesting > MAX_NESTING) return `functions nested deeper than ${MAX_NESTING}`;
      functions.push(at);
      for (let p = 0; p < vlenOf(btf, at); p++) {
        beyond ||= mention(walk, unit, paramType(btf, at, p), true, nesting + 1);
      }
      functions.pop();
      at = targetOf(btf, at);
    } else if (isNamelessComposite(btf, at) && !nameless.toName.has(at)) {
      if (at !== unit) members(walk, unit, at, nesting + 1);
      return beyond;
    } else {
      if (kind === KIND_FWD || isComposite(kind)) {
        if (inFunction) remember(walk, unit, at);
      } else if (isUnit(btf, nameless, at)) ask(walk, unit, at);
      else if (isEnum(kind)) walk.inside.add(at);
      return beyond;
    }
  }
  throw endless(btf, type);
}

function ask(walk: Walk, unit: number, type: number): void {
  if (walk.askedBy[type] === unit) return;
  walk.askedBy[type] = unit;
  walk.needs.push(type);
}

function remember(walk: Walk, unit: number, tag: number): void {
  if (tag === unit || walk.mentionedBy[tag] === unit) return;
  walk.mentionedBy[tag] = unit;
  walk.forward.push(tag);
}

function endless(btf: Btf, id: number): FormatError {
  const detail = "qualifiers, pointers or functions that go on without an end";
  return new FormatError("type-loop", detail, { source: btf.source, section: "BTF types", typeId: id });
}

function tooMuch(btf: Btf, id: number, detail: string): FormatError {
  return new FormatError("too-large", detail, { source: btf.source, section: "BTF types", typeId: id });
}
