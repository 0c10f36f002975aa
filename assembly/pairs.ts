import { KIND_ENUM, KIND_ENUM64, KIND_FWD } from "../lib/btf/format.ts";
import { classEnd, FIRST_NAME_CLASS, nameClassEnd } from "./classes.ts";
import { allocateWords, get, set } from "./memory.ts";
import { isSameRecord } from "./same-record.ts";
import { pushShape, shapeWords } from "./shape-of.ts";
import { finish, newShapes, Shapes } from "./shapes.ts";
import { infoOf, kindOf, recordOf, Side, vlenOf } from "./side.ts";

/** Classes in one call: see inBlocks. */
const CLASSES_A_CALL = 512;

/** Classes whose types may differ, and what the sequences of all their types need. */
let unequal: usize = 0;
let unequalCount: i32 = 0;
let bodyWords: u64 = 0;
let bodyCount: i32 = 0;
/** By body class, from the first on: the last class of a name that had it on the old side, and whether the new one has it. */
let seen: usize = 0;
let shapes: Shapes = changetype<Shapes>(0);

/** Address of the classes that findUnequal found. */
export function unequalClasses(): usize {
  return unequal;
}

/**
 * Chains the types of each class of a name, and finds the classes whose definitions are not the same on both sides.
 * Their types get body classes. Returns how many classes those are.
 */
export function findUnequal(old: Side, next: Side): i32 {
  chain(old);
  chain(next);
  const end = nameClassEnd();
  unequal = allocateWords(end);
  for (let from = FIRST_NAME_CLASS; from < end; from += CLASSES_A_CALL) {
    listUnequal(old, next, from, min(from + CLASSES_A_CALL, end));
  }
  shapes = newShapes(bodyWords, bodyCount, classEnd());
  seen = allocateWords(bodyCount + 1);
  const listed = unequalCount;
  unequalCount = 0;
  for (let i = 0; i < listed; i++) {
    const own = get(unequal, i);
    classBodies(old, own);
    classBodies(next, own);
    if (!isEqual(old, next, own)) set(unequal, unequalCount++, own);
  }
  return unequalCount;
}

function chain(side: Side): void {
  const end = nameClassEnd();
  side.last = allocateWords(end);
  side.before = allocateWords(side.types);
  for (let id = side.types - 1; id > 0; id--) {
    const own = get(side.references, id);
    if (own === 0 || own >= end) continue;
    set(side.before, id, get(side.last, own));
    set(side.last, own, id);
  }
}

function listUnequal(old: Side, next: Side, from: i32, to: i32): void {
  for (let own = from; own < to; own++) {
    if (isOne(old, own) && isOne(next, own) && isSameRecord(old, get(old.last, own), next, get(next.last, own)))
      continue;
    set(unequal, unequalCount++, own);
    countBodies(old, own);
    countBodies(next, own);
  }
}

function isOne(side: Side, own: i32): bool {
  const id = get(side.last, own);
  return id !== 0 && get(side.before, id) === 0;
}

function countBodies(side: Side, own: i32): void {
  for (let id = get(side.last, own); id !== 0; id = get(side.before, id)) {
    bodyWords += shapeWords(side, id);
    bodyCount++;
  }
}

/** Gives a class' types their body classes: forward declarations only where there is nothing else. */
function classBodies(side: Side, own: i32): void {
  const defined = isDefined(side, own);
  for (let id = get(side.last, own); id !== 0; id = get(side.before, id)) {
    if (defined && isDeclaration(side, id)) continue;
    pushShape(shapes, side, id);
    set(side.bodies, id, finish(shapes));
  }
}

/** True when both sides have the same definitions of a name, however often. */
function isEqual(old: Side, next: Side, own: i32): bool {
  const inOld = own << 1;
  const inBoth = inOld | 1;
  let left = 0;
  for (let id = get(old.last, own); id !== 0; id = get(old.before, id)) {
    const body = get(old.bodies, id);
    if (body === 0 || seenOf(body) === inOld) continue;
    setSeen(body, inOld);
    left++;
  }
  for (let id = get(next.last, own); id !== 0; id = get(next.before, id)) {
    const body = get(next.bodies, id);
    if (body === 0 || seenOf(body) === inBoth) continue;
    if (seenOf(body) !== inOld) return false;
    setSeen(body, inBoth);
    left--;
  }
  return left === 0;
}

function seenOf(body: i32): i32 {
  return get(seen, body - shapes.first);
}

function setSeen(body: i32, by: i32): void {
  set(seen, body - shapes.first, by);
}

/** True where not all types of a class are declarations only. */
function isDefined(side: Side, own: i32): bool {
  for (let id = get(side.last, own); id !== 0; id = get(side.before, id)) if (!isDeclaration(side, id)) return true;
  return false;
}

/** A forward declaration, or an enum without enumerators, which C has no other way to write. */
function isDeclaration(side: Side, id: i32): bool {
  const info = infoOf(recordOf(side, id));
  const kind = kindOf(info);
  return kind === KIND_FWD || ((kind === KIND_ENUM || kind === KIND_ENUM64) && vlenOf(info) === 0);
}
