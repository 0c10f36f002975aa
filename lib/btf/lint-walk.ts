import { KIND_ARRAY, KIND_FUNC, KIND_FUNC_PROTO, KIND_LIMIT, KIND_PTR } from "./format.ts";
import type { LintSubject } from "./lint-finding.ts";
import {
  HAS_NO_SIZE,
  IS_TRANSPARENT,
  KIND_TRAITS,
  SAYS_SIZE,
  WALKED,
  WALKED_BEHIND_POINTER,
  WALKED_INSIDE_COMPOSITE,
} from "./lint-kinds.ts";
import { pointerBytes, resolveSize } from "./resolve.ts";
import { isComposite, kindOf, sizeOf, targetOf } from "./view.ts";

/** How deep types may nest (kernel/bpf/btf.c, MAX_RESOLVE_DEPTH). */
export const MAX_DEPTH = 32;

/** A type's state during the walk over the graph. */
export const NEW = 0;
export const OPEN = 1;
export const SETTLED = 2;
/** Reported already, or depends on what could not be read: nothing that rests on it is judged. */
export const BROKEN = 3;

/** Answers of `sizedType` besides a type id. */
export const NO_SIZE = -1;
export const NOT_KNOWN = -2;

/**
 * The depth-first walk over the type graph. Which edges it follows depends on where it is (the kernel's resolve_mode):
 * a pointer ends a walk inside a composite, a composite ends one behind a pointer, so that a struct may hold a pointer
 * to itself.
 */
export interface Walk {
  readonly subject: LintSubject;
  /** By id. */
  readonly state: Uint8Array;
  /** By id, once settled: where a modifier, pointer or variable leads to, modifiers looked through. */
  readonly target: Uint32Array;
  /** By id, once settled: an array's bytes. */
  readonly arrayBytes: Uint32Array;
  /** Ids being walked, the root first, and how many of their elements are done. */
  readonly stack: Uint32Array;
  readonly progress: Uint32Array;
  depth: number;
  /** The trait of the kinds to go through: WALKED, WALKED_BEHIND_POINTER or WALKED_INSIDE_COMPOSITE. */
  mode: number;
}

/** A walk over all types of `subject`, nothing of it done. */
export function startWalk(subject: LintSubject): Walk {
  const { endId } = subject;
  return {
    subject,
    state: new Uint8Array(endId),
    target: new Uint32Array(endId),
    arrayBytes: new Uint32Array(endId),
    stack: new Uint32Array(MAX_DEPTH),
    progress: new Uint32Array(MAX_DEPTH),
    depth: 0,
    mode: WALKED,
  };
}

/** True when the type was read: references to others were reported with their record. */
export function exists(walk: Walk, id: number): boolean {
  return id < walk.subject.endId;
}

/** True for a type whose walk is over, or that belongs to the base. */
export function isSettled(walk: Walk, id: number): boolean {
  return id < walk.subject.startId ? id !== 0 : (walk.state[id] as number) >= SETTLED;
}

/** True when `id` must be walked before the type that refers to it. */
export function mustWalk(walk: Walk, id: number): boolean {
  const traits = KIND_TRAITS[kindOf(walk.subject.btf, id)] as number;
  return (traits & walk.mode) !== 0 && !isSettled(walk, id);
}

/** Puts a type on the stack; the first pointer or composite of a walk decides which edges are followed from there. */
export function push(walk: Walk, id: number): void {
  walk.state[id] = OPEN;
  walk.progress[walk.depth] = 0;
  walk.stack[walk.depth++] = id;
  if (walk.mode !== WALKED) return;
  const kind = kindOf(walk.subject.btf, id);
  if (kind === KIND_PTR) walk.mode = WALKED_BEHIND_POINTER;
  else if (isComposite(kind) || kind === KIND_ARRAY) walk.mode = WALKED_INSIDE_COMPOSITE;
}

/** Modifiers and typedefs. */
export function isTransparent(kind: number): boolean {
  return ((KIND_TRAITS[kind] as number) & IS_TRANSPARENT) !== 0;
}

/** True for void, FWD, FUNC and FUNC_PROTO. */
export function hasNoSize(kind: number): boolean {
  return ((KIND_TRAITS[kind] as number) & HAS_NO_SIZE) !== 0;
}

/**
 * The type that gives `id` its size, modifiers looked through: an id, NO_SIZE, or NOT_KNOWN where something behind it
 * is broken.
 */
export function sizedType(walk: Walk, id: number): number {
  const { btf } = walk.subject;
  const kind = kindOf(btf, id);
  if (isSized(kind)) return id;
  if (hasNoSize(kind)) return NO_SIZE;
  if (walk.state[id] === BROKEN || !isKnownKind(kind)) return NOT_KNOWN;
  const target = targetBehind(walk, id);
  if (target < 0) return NOT_KNOWN;
  const targetKind = kindOf(btf, target);
  if (!isKnownKind(targetKind)) return NOT_KNOWN;
  return isSized(targetKind) ? target : NO_SIZE;
}

function isSized(kind: number): boolean {
  return ((KIND_TRAITS[kind] as number) & SAYS_SIZE) !== 0 || kind === KIND_PTR || kind === KIND_ARRAY;
}

/** A kind that this library knows; others are reported with their record and judged no further. */
export function isKnownKind(kind: number): boolean {
  return kind < KIND_LIMIT && (kind === 0 || KIND_TRAITS[kind] !== 0);
}

/** Where a settled type leads to; for the base's types, which are not walked, by following them. -1: not known. */
export function targetBehind(walk: Walk, id: number): number {
  const { btf, startId } = walk.subject;
  if (id >= startId || id === 0) return walk.target[id] as number;
  let at = id;
  for (let steps = 0; steps < MAX_DEPTH; steps++) {
    const kind = kindOf(btf, at);
    if (kind === KIND_FUNC) return targetOf(btf, at);
    if (!isTransparent(kind)) return kind === KIND_FUNC_PROTO ? 0 : at;
    at = targetOf(btf, at);
  }
  return -1;
}

/** Bytes of what sizedType returned. An array that was not walked yet has its size worked out, or 0. */
export function bytesOf(walk: Walk, sized: number): number {
  const { btf, startId } = walk.subject;
  const kind = kindOf(btf, sized);
  if (kind === KIND_PTR) return pointerBytes(btf);
  if (kind !== KIND_ARRAY) return sizeOf(btf, sized);
  if (sized >= startId && isSettled(walk, sized)) return walk.arrayBytes[sized] as number;
  return Math.max(0, resolveSize(btf, sized));
}

/** True when the kernel does not know the size yet: an array that was seen behind a pointer only, and takes it for 0. */
export function isSizeHidden(walk: Walk, sized: number): boolean {
  return kindOf(walk.subject.btf, sized) === KIND_ARRAY && !isSettled(walk, sized);
}
