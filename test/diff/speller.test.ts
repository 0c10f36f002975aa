import { beforeAll, describe, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { type Btf, typeCount } from "../../lib/btf/view.ts";
import { declare, plainSpelling } from "../../lib/c/declarator.ts";
import { newSpeller } from "../../lib/diff/speller.ts";
import { array, btf, constOf, int, m, param, proto, ptr, struct } from "../btf/builder.ts";
import { KERNEL_6_1, kernelSample } from "../samples.ts";

/** Pointers, arrays and functions in each other, qualified at every place. */
const NESTED = parseBtf(
  btf([
    int("int", 4),
    ptr(1),
    constOf(2),
    array(1, 1, 4),
    ptr(4),
    constOf(5),
    proto(1, [param("a", 2), param("", 6)]),
    ptr(7),
    constOf(8),
    array(9, 1, 2),
    proto(4, []),
    array(7, 1, 3),
    constOf(4),
    struct("", 4, [m("x", 1, 0)]),
    ptr(14),
    proto(15, [param("", 0)]),
    struct("spaced ", 4, []),
    constOf(0),
  ]),
);

let kernel: Btf;
beforeAll(() => {
  kernel = parseBtf(kernelSample(KERNEL_6_1).bytes);
});

describe("a declaration that was taken apart", () => {
  it.each([
    ["types of all shapes", () => NESTED],
    ["a kernel's types", () => kernel],
  ])("is the one that is made anew: %s", (_, view) => {
    const target = view();
    const plain = plainSpelling(target);
    const speller = newSpeller(target);
    const wrong: string[] = [];
    for (let id = 1; id < typeCount(target); id++) {
      for (const name of ["", "name", "a.b[]"]) {
        const [is, be] = [speller.declare(id, name), declare(plain, id, name)];
        if (is !== be) wrong.push(`${id}: ${is}, not ${be}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});
