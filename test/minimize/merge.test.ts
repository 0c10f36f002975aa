import { describe, expect, it } from "vitest";
import { KIND_PTR, KIND_STRUCT } from "../../lib/btf/format.ts";
import { type Draft, type Drafts, newDraft } from "../../lib/minimize/draft.ts";
import { mergeDrafts } from "../../lib/minimize/merge.ts";

const drafts = (...list: Draft[]): Drafts => ({
  list,
  bySource: new Map(list.map((draft, i) => [i + 1, draft])),
  shared: new Map(),
});
const node = (name: string, fields: Partial<Draft> = {}): Draft => newDraft(KIND_STRUCT, { name, size: 8, ...fields });
const pointTo = (target: Draft | null): Draft => newDraft(KIND_PTR, { target });
const member = (name: string, type: Draft | null, offset = 0) => ({ name, type, rest: [offset] });
const count = (...list: Draft[]): number => {
  const all = drafts(...list);
  mergeDrafts(all);
  for (const draft of all.bySource.values()) expect(all.list).toContain(draft);
  return all.list.length;
};

describe("types become one", () => {
  it("when they look the same, all the way down", () => {
    const a = node("s");
    const b = node("s");
    expect(count(a, b, pointTo(a), pointTo(b))).toBe(2);
  });

  it("in circles that look the same", () => {
    const circle = (): Draft[] => {
      const list = node("list");
      const pointer = pointTo(list);
      list.elements = [member("next", pointer)];
      return [list, pointer];
    };
    expect(count(...circle(), ...circle())).toBe(2);
  });

  it("also where one circle is twice as long", () => {
    const [a, b, c] = [node("n"), node("n"), node("n")];
    a.elements = [member("next", b)];
    b.elements = [member("next", a)];
    c.elements = [member("next", c)];
    expect(count(a, b, c)).toBe(1);
  });
});

describe("types stay apart", () => {
  it.each<[string, Partial<Draft>]>([
    ["by name", { name: "t" }],
    ["by size", { size: 4 }],
    ["by kind_flag", { kindFlag: 1 }],
    ["by detail", { detail: 1 }],
    ["by segment", { segment: 1 }],
    ["by identity", { identity: 7 }],
    ["by members", { elements: [member("a", null)] }],
  ])("%s", (_name, fields) => {
    expect(count(node("s"), node("s", fields))).toBe(2);
    expect(count(node("s", fields), node("s", fields))).toBe(1);
  });

  it("by what members are called, where they lie, what they are, and their order", () => {
    const [x, y] = [node("x"), node("y")];
    const of = (...elements: Draft["elements"][number][]) => node("s", { elements });
    expect(count(x, y, of(member("a", x)), of(member("b", x)))).toBe(4);
    expect(count(x, y, of(member("a", x)), of(member("a", x, 8)))).toBe(4);
    expect(count(x, y, of(member("a", x)), of(member("a", y)))).toBe(4);
    expect(count(x, y, of(member("a", x), member("b", y)), of(member("b", y), member("a", x)))).toBe(4);
    expect(count(x, y, of(member("a", x), member("b", y)), of(member("a", x), member("b", y)))).toBe(3);
  });

  it("by what is far away, behind pointers that look the same", () => {
    const chain = (end: Draft): Draft[] => {
      const list = [end];
      for (let i = 0; i < 20; i++) list.push(pointTo(list[list.length - 1] ?? null));
      return list;
    };
    expect(count(...chain(node("x")), ...chain(node("y")))).toBe(42);
    expect(count(...chain(node("x")), ...chain(node("x")))).toBe(21);
  });

  it("where one points to void", () => {
    expect(count(pointTo(null), pointTo(node("s")), node("s"))).toBe(3);
  });
});
