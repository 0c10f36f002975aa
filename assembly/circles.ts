import { allocateWords, get, set } from "./memory.ts";
import { pushShape, shapeWords } from "./shape-of.ts";
import { clearShapes, finish, newShapes, push, Shapes } from "./shapes.ts";
import { Side } from "./side.ts";

/** First word of the sequence of what goes round in a circle, where others have a kind. */
const CIRCLE = 0x300;
/**
 * How far types are told apart that refer to each other in a circle without any name in it. No language makes such
 * types; a circle of a million pointers would else take as many rounds.
 */
const CIRCLE_ROUNDS = 16;

/**
 * Classes what leads into a circle, all types whose reference class is `circular`: they are one class at first, and are
 * told apart by their parts' classes, round by round, until that changes nothing.
 */
export function classCircles(shapes: Shapes, old: Side, next: Side, circular: i32): void {
  const words = circularWords(old, circular) + circularWords(next, circular);
  const own = newShapes(words, old.types + next.types, 0);
  old.circles = allocateWords(old.types);
  next.circles = allocateWords(next.types);
  // Made from the classes of the round before, and put in their place at its end.
  const finer = allocateWords(max(old.types, next.types));
  let count = 0;
  for (let round = 0; round < CIRCLE_ROUNDS; round++) {
    clearShapes(own);
    classRound(own, old, circular, finer);
    classRound(own, next, circular, finer);
    if (own.count === count) break;
    count = own.count;
  }
  setReferences(shapes, old, circular);
  setReferences(shapes, next, circular);
}

function circularWords(side: Side, circular: i32): u64 {
  let words: u64 = 0;
  for (let id = 1; id < side.types; id++) if (get(side.references, id) === circular) words += shapeWords(side, id);
  return words;
}

function classRound(own: Shapes, side: Side, circular: i32, finer: usize): void {
  for (let id = 1; id < side.types; id++) {
    if (get(side.references, id) !== circular) continue;
    pushShape(own, side, id);
    set(finer, id, finish(own));
  }
  for (let id = 1; id < side.types; id++) {
    if (get(side.references, id) === circular) set(side.circles, id, get(finer, id));
  }
}

function setReferences(shapes: Shapes, side: Side, circular: i32): void {
  for (let id = 1; id < side.types; id++) {
    if (get(side.references, id) !== circular) continue;
    push(shapes, CIRCLE);
    push(shapes, get(side.circles, id));
    set(side.references, id, finish(shapes));
  }
}
