import type { ShapeSource } from "./shape-of.ts";
import { pushShape } from "./shape-of.ts";
import { finish, newShapes, push, reserve, type Shapes } from "./shapes.ts";

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
export function classCircular(shapes: Shapes, views: readonly ShapeSource[], circular: number): void {
  const members = views.map(({ references }) => {
    const ids: number[] = [];
    for (let id = 1; id < references.length; id++) if (references[id] === circular) ids.push(id);
    return ids;
  });
  const circles = views.map(({ references }) => new Int32Array(references.length));
  let count = 0;
  for (let round = 0; round < CIRCLE_ROUNDS; round++) {
    const own = newShapes();
    const finer = views.map((view, i) => {
      const source: ShapeSource = { ...view, circles: circles[i] as Int32Array };
      return (members[i] as number[]).map((id) => {
        pushShape(own, source, id);
        return finish(own);
      });
    });
    finer.forEach((classes, i) => {
      classes.forEach((value, j) => {
        (circles[i] as Int32Array)[(members[i] as number[])[j] as number] = value;
      });
    });
    if (own.count === count) break;
    count = own.count;
  }
  views.forEach(({ references }, i) => {
    for (const id of members[i] as number[]) {
      reserve(shapes, 2);
      push(shapes, CIRCLE);
      push(shapes, (circles[i] as Int32Array)[id] as number);
      references[id] = finish(shapes);
    }
  });
}
