import {
  KIND_ARRAY,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_FLOAT,
  KIND_FWD,
  KIND_INT,
  KIND_PTR,
  KIND_STRUCT,
  KIND_TYPEDEF,
  KIND_UNION,
} from "../btf/format.ts";
import { arrayElement, enumeratorName, memberName, memberType } from "../btf/members.ts";
import { skipModifiersAndTypedefs } from "../btf/resolve.ts";
import { nameOf, stringAt } from "../btf/strings.ts";
import { type Btf, isComposite, isEnum, kindOf, targetOf, vlenOf } from "../btf/view.ts";
import { nearest } from "../core/nearest.ts";
import { inBaseFirst, namesOf, typesByName } from "../core/type-names.ts";
import { type Marks, markEnumerator, markExactly, markMember, NAMED, TARGETED } from "./marks.ts";

/** Something that was to be kept and cannot be: it is data, for the caller to judge. */
export interface KeepProblem {
  /** As it was given. */
  readonly spec: string;
  /** `syntax`: it says nothing that could be looked for. `missing`: the target has no such type or member. */
  readonly what: "syntax" | "missing";
  /** In words: "struct task_struct has no member foo". */
  readonly reason: string;
  /** The name that comes nearest, where one does. */
  readonly nearest?: string;
}

interface Spec {
  readonly text: string;
  /** The kinds meant; all that a type can have when only a name is given. */
  readonly kinds: readonly number[];
  readonly name: string;
  readonly path: readonly string[];
}

const ALL_MEMBERS = "*";
const KINDS_BY_WORD: ReadonlyMap<string, readonly number[]> = new Map([
  ["struct", [KIND_STRUCT]],
  ["union", [KIND_UNION]],
  ["enum", [KIND_ENUM, KIND_ENUM64]],
  ["typedef", [KIND_TYPEDEF]],
]);
const ANY_KIND: readonly number[] = [
  KIND_STRUCT,
  KIND_UNION,
  KIND_ENUM,
  KIND_ENUM64,
  KIND_TYPEDEF,
  KIND_INT,
  KIND_FLOAT,
  KIND_FWD,
];
/** Anonymous members and pointers lead this deep and no deeper; corrupt BTF may go round in circles. */
const MAX_DEPTH = 32;

/**
 * Keeps what only user space asks for, one text each: `TYPE[.MEMBER...]`.
 * - TYPE: `struct NAME`, `union NAME`, `enum NAME`, `typedef NAME`, or a name alone for every kind that bears it
 *   (`unsigned int` too). Exact names; all types of that name, of the base, or of the modules when it has none. Such a
 *   type keeps its name and size, a typedef also what it stands for.
 * - MEMBER: one more member or enumerator each (`enum bar::VALUE` too). Members of anonymous members count as the
 *   struct's own; arrays are looked through, and a step may lead through a pointer, which then goes on pointing there.
 *   Where a path ends, a pointer is a `void *` and a struct has its size alone.
 * - `*` as the last step: all members or enumerators of that one level.
 * What is kept under a name is a candidate of relocations, so call this before markRecords.
 */
export function markKeep(marks: Marks, texts: readonly string[]): KeepProblem[] {
  const problems: KeepProblem[] = [];
  const specs: Spec[] = [];
  for (const text of texts) {
    const spec = parseSpec(text);
    if ("reason" in spec) problems.push(spec);
    else specs.push(spec);
  }
  if (specs.length === 0) return problems;
  const byName = typesByName(marks.btf, new Set(specs.map(({ name }) => name)));
  for (const spec of specs) {
    const all = (byName.get(spec.name) ?? []).filter((id) => spec.kinds.includes(kindOf(marks.btf, id)));
    const found = inBaseFirst(marks.btf, all);
    if (found.length === 0) problems.push(missingType(marks.btf, spec));
    else {
      const failures = found.map((id) => keepType(marks, spec, id));
      const failure = failures.find((one) => one !== null);
      // Of several types of one name, one that has the member is enough.
      if (failure !== undefined && failure !== null && !failures.includes(null)) {
        problems.push({ spec: spec.text, what: "missing", ...failure });
      }
    }
  }
  return problems;
}

/** Reads a text of markKeep; a problem when it is none. */
function parseSpec(text: string): Spec | KeepProblem {
  const fail = (reason: string): KeepProblem => ({ spec: text, what: "syntax", reason });
  const [type = "", ...path] = text.trim().split(/\s*(?:\.|::)\s*/);
  const words = type.split(/\s+/);
  const kinds = words.length > 1 ? KINDS_BY_WORD.get(words[0] as string) : undefined;
  const name = (kinds === undefined ? words : words.slice(1)).join(" ");
  if (name === "" || KINDS_BY_WORD.has(name)) return fail("names no type");
  if (path.includes("")) return fail("has an empty step");
  if (path.slice(0, -1).includes(ALL_MEMBERS)) return fail("has a * that is not its last step");
  return { text, kinds: kinds ?? ANY_KIND, name, path };
}

function missingType(btf: Btf, spec: Spec): KeepProblem {
  const words = [...KINDS_BY_WORD].find(([, kinds]) => kinds === spec.kinds)?.[0] ?? "type";
  const best = nearest(spec.name, namesOf(btf, spec.kinds));
  const reason = `there is no ${words} ${spec.name}`;
  return { spec: spec.text, what: "missing", reason, ...(best === undefined ? {} : { nearest: best }) };
}

type Failure = Pick<KeepProblem, "reason" | "nearest">;

function keepType(marks: Marks, { path }: Spec, id: number): Failure | null {
  const { btf } = marks;
  let at = id;
  for (const [i, step] of path.entries()) {
    const within = enclosing(marks, at, i > 0);
    if (within === 0) return { reason: `${spell(btf, at)} has no members` };
    const next = step === ALL_MEMBERS ? keepAll(marks, within) : keepStep(marks, within, step);
    if (next === null) {
      const best = nearest(step, elementNames(btf, within, 0));
      const what = isEnum(kindOf(btf, within)) ? "enumerator" : "member";
      return {
        reason: `${spell(btf, within)} has no ${what} ${step}`,
        ...(best === undefined ? {} : { nearest: best }),
      };
    }
    at = next;
  }
  markExactly(marks, id, NAMED);
  // Integers, structs, ... behind a typedef keep their names, too: user space asks for them by it.
  markExactly(marks, skipModifiersAndTypedefs(btf, id), NAMED);
  return null;
}

/** The struct, union or enum that a step goes into, behind typedefs, arrays and, but for a path's root, pointers. */
function enclosing(marks: Marks, id: number, throughPointers: boolean): number {
  const { btf } = marks;
  let at = id;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    at = skipModifiersAndTypedefs(btf, at);
    const kind = kindOf(btf, at);
    if (isComposite(kind) || isEnum(kind)) return at;
    if (kind === KIND_ARRAY) at = arrayElement(btf, at);
    else if (kind === KIND_PTR && throughPointers) {
      markExactly(marks, at, TARGETED);
      at = targetOf(btf, at);
    } else return 0;
  }
  return 0;
}

function keepAll(marks: Marks, id: number): number {
  const { btf } = marks;
  for (let i = 0; i < vlenOf(btf, id); i++) {
    if (isEnum(kindOf(btf, id))) markEnumerator(marks, id, i);
    else markMember(marks, id, i);
  }
  return id;
}

/** Keeps a member or enumerator; its type, 0 for an enumerator's, null when there is none of that name. */
function keepStep(marks: Marks, id: number, name: string): number | null {
  const { btf } = marks;
  if (isEnum(kindOf(btf, id))) {
    for (let i = 0; i < vlenOf(btf, id); i++) {
      if (stringAt(btf.strings, enumeratorName(btf, id, i)) !== name) continue;
      markEnumerator(marks, id, i);
      return 0;
    }
    return null;
  }
  const members = findMember(btf, id, name, 0);
  if (members === null) return null;
  for (const [owner, index] of members) markMember(marks, owner, index);
  const [owner, index] = members.at(-1) as [number, number];
  return memberType(btf, owner, index);
}

/** The way to a member: `[struct, index]`, anonymous members first. */
function findMember(btf: Btf, id: number, name: string, depth: number): [number, number][] | null {
  for (let i = 0; i < vlenOf(btf, id); i++) {
    const offset = memberName(btf, id, i);
    if (btf.strings[offset] !== 0) {
      if (stringAt(btf.strings, offset) === name) return [[id, i]];
      continue;
    }
    const inner = skipModifiersAndTypedefs(btf, memberType(btf, id, i));
    if (!isComposite(kindOf(btf, inner)) || depth >= MAX_DEPTH) continue;
    const rest = findMember(btf, inner, name, depth + 1);
    if (rest !== null) return [[id, i], ...rest];
  }
  return null;
}

function* elementNames(btf: Btf, id: number, depth: number): Generator<string> {
  const isEnumerators = isEnum(kindOf(btf, id));
  for (let i = 0; i < vlenOf(btf, id); i++) {
    const name = stringAt(btf.strings, isEnumerators ? enumeratorName(btf, id, i) : memberName(btf, id, i));
    if (name !== "") yield name;
    else if (!isEnumerators && depth < MAX_DEPTH) {
      const inner = skipModifiersAndTypedefs(btf, memberType(btf, id, i));
      if (isComposite(kindOf(btf, inner))) yield* elementNames(btf, inner, depth + 1);
    }
  }
}

function spell(btf: Btf, id: number): string {
  const kind = kindOf(btf, id);
  const word = [...KINDS_BY_WORD].find(([, kinds]) => kinds.includes(kind))?.[0] ?? "type";
  const name = nameOf(btf, id);
  return name === "" ? `the ${word} without a name` : `${word} ${name}`;
}
