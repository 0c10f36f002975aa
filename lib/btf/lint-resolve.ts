import { KIND_FUNC_PROTO } from "./format.ts";
import { complainOfType, type LintSubject } from "./lint-finding.ts";
import { WALKED } from "./lint-kinds.ts";
import { DONE, describe, FAILED, isDark, isDeclaration, step } from "./lint-steps.ts";
import {
  BROKEN,
  MAX_DEPTH,
  mustWalk,
  NEW,
  NO_SIZE,
  push,
  SETTLED,
  sizedType,
  startWalk,
  type Walk,
} from "./lint-walk.ts";
import { paramName, paramType } from "./members.ts";
import { kindOf, targetOf, vlenOf } from "./view.ts";

/**
 * Checks the graph: loops, depth, and that what refers to a type may refer to it. Types are walked in the order of
 * their ids, as the kernel does (btf_check_all_types), because its verdict on odd graphs depends on the order.
 * Returns the walk, which knows what is broken.
 */
export function lintGraph(subject: LintSubject): Walk {
  const walk = startWalk(subject);
  for (let id = subject.startId; id < subject.endId; id++) {
    const kind = kindOf(subject.btf, id);
    walkFrom(walk, id);
    if (kind === KIND_FUNC_PROTO) lintPrototype(walk, id);
  }
  return walk;
}

/** Walks from one root until it is settled; what cannot be settled is reported once and marked broken. */
function walkFrom(walk: Walk, root: number): void {
  walk.mode = WALKED;
  if (!mustWalk(walk, root)) return;
  const { subject, state, stack } = walk;
  push(walk, root);
  while (walk.depth > 0) {
    const id = stack[walk.depth - 1] as number;
    const next = step(walk, id);
    if (next === DONE) {
      state[id] = SETTLED;
      walk.depth--;
    } else if (next === FAILED) {
      abandon(walk);
    } else if (state[next] !== NEW) {
      complainOfType(subject, "type-loop", next, `leads back to itself ${chain(walk, next)}`);
      abandon(walk);
    } else if (walk.depth === MAX_DEPTH) {
      complainOfType(subject, "resolve-depth", root, `nests more than ${MAX_DEPTH} types deep ${chain(walk, root)}`);
      abandon(walk);
    } else {
      push(walk, next);
    }
  }
}

function abandon(walk: Walk): void {
  while (walk.depth > 0) walk.state[walk.stack[--walk.depth] as number] = BROKEN;
}

/** `through [4] [5] ...`: the open types from `first` on. */
function chain(walk: Walk, first: number): string {
  const open = [...walk.stack.subarray(0, walk.depth)];
  const ids = open.slice(open.indexOf(first) + 1).map((id) => `[${id}]`);
  if (ids.length === 0) return "directly";
  return `through ${ids.slice(0, 8).join(" ")}${ids.length > 8 ? " ..." : ""}`;
}

/** A FUNC_PROTO's return type and parameters (btf_func_proto_check). */
function lintPrototype(walk: Walk, id: number): void {
  const { subject } = walk;
  const { btf } = subject;
  const returned = targetOf(btf, id);
  if (returned !== 0 && !isDark(walk, returned) && lacksSize(walk, returned)) {
    complainOfType(subject, "proto-return", id, `returns ${describe(walk, returned)}, which has no size`);
  }
  const vlen = vlenOf(btf, id);
  for (let i = 0; i < vlen; i++) {
    const type = paramType(btf, id, i);
    if (type === 0) {
      if (i !== vlen - 1) complainOfType(subject, "proto-param", id, `parameter ${i} is void, but not the last one`, i);
      else if (paramName(btf, id, i) !== 0)
        complainOfType(subject, "proto-param", id, `parameter ${i} is void, but has a name`, i);
    } else if (!isDark(walk, type) && lacksSize(walk, type)) {
      complainOfType(subject, "proto-param", id, `parameter ${i} is a ${describe(walk, type)}, which has no size`, i);
    }
  }
}

/** Walks a type that a prototype names; true when it certainly has no size. */
function lacksSize(walk: Walk, id: number): boolean {
  if (isDeclaration(walk, id)) return true;
  walkFrom(walk, id);
  return sizedType(walk, id) === NO_SIZE;
}
