/** Small random type graphs: what mutants of right ones seldom are, odd references in every order of ids. */

import {
  array,
  bitStruct,
  btf,
  constOf,
  datasec,
  declTag,
  func,
  fwd,
  int,
  m,
  param,
  place,
  proto,
  ptr,
  type Row,
  struct,
  typedef,
  typeTag,
  union,
  variable,
  volatileOf,
} from "../btf/builder.ts";
import type { Random } from "./btf-mutants.ts";

/** Bits of room that each member gets: most types fit. */
const MEMBER_BITS = 512;

/** How the rows refer to each other, so that not all graphs are full of loops. */
type Reference = (id: number, random: Random, count: number) => number;
const REFERENCES: readonly Reference[] = [
  (id, random) => random(id),
  (_id, random, count) => random(count) + 1,
  (id, random, count) => Math.min(count, id + 1 + random(3)),
  (id, random, count) => (random(4) === 0 ? Math.min(count, id + 1 + random(8)) : random(id)),
];

/** A random blob of 4 to 40 types, the first of them an `int`. */
export function randomGraph(random: Random): Uint8Array {
  const count = 4 + random(random(3) === 0 ? 37 : 9);
  const reference = REFERENCES[random(REFERENCES.length)] as Reference;
  const rows: Row[] = [int("int", 4)];
  for (let id = 2; id <= count; id++) rows.push(randomRow(id, random, () => reference(id, random, count)));
  return btf(rows);
}

function randomRow(id: number, random: Random, to: () => number): Row {
  const name = `t${id}`;
  switch (random(20)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return ptr(to());
    case 4:
    case 5:
      return constOf(to());
    case 6:
      return volatileOf(to());
    case 7:
    case 8:
      return typedef(name, to());
    case 9:
      return random(3) === 0 ? typeTag("tag", to()) : constOf(to());
    case 10:
    case 11:
      return array(to(), random(6) === 0 ? to() : 1, random(4));
    case 12:
    case 13:
      return composite(struct, name, random, to);
    case 14:
      return random(2) === 0
        ? composite(bitStruct, name, random, to)
        : union(name, 64, [m("a", to(), 0), m("b", to(), 0)]);
    case 15:
      return random(2) === 0 ? fwd(name) : composite(struct, name, random, to);
    case 16:
      return proto(
        to(),
        Array.from({ length: random(3) }, (_, i) => param(`p${i}`, to())),
      );
    case 17:
      return random(2) === 0 ? func(name, to()) : ptr(to());
    case 18:
      return random(2) === 0 ? variable(name, to()) : declTag("tag", to(), random(3) - 1);
    default:
      return random(3) === 0 ? datasec(name, 4096, [place(to(), 0, 64), place(to(), 64, 512)]) : ptr(to());
  }
}

function composite(make: typeof struct, name: string, random: Random, to: () => number): Row {
  const members = Array.from({ length: random(4) }, (_, i) => m(`m${i}`, to(), i * MEMBER_BITS));
  return make(name, (members.length * MEMBER_BITS) / 8, members);
}
