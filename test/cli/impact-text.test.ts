import { expect, it } from "vitest";
import { impactMarkdown } from "../../cli/diff/impact-markdown.ts";
import type { ImpactReport } from "../../cli/diff/impact-report.ts";
import { impactText } from "../../cli/diff/impact-text.ts";
import {
  type FieldImpact,
  type ProgramImpact,
  RELOCATION_CHANGES,
  type RelocationChange,
} from "../../lib/diff/impact.ts";
import type { RelocationSide } from "../../lib/diff/standing.ts";

const place = { bitOffset: 64, bits: 32 };
const HERE: RelocationSide = { status: "resolved", value: 8n, loadBytes: 4, place, reason: null };
const GONE: RelocationSide = {
  status: "poisoned",
  value: null,
  loadBytes: null,
  place: null,
  reason: "s has no member a",
};
const common = { index: 0, kind: "byte_off", instruction: 3, source: "x.bpf.c:7" } as const;
const LOST: FieldImpact = {
  path: "s.a",
  change: "newly-poisoned",
  relocations: [{ ...common, change: "newly-poisoned", old: HERE, new: GONE }],
};
const KEPT: FieldImpact = {
  path: "s.b",
  change: "same",
  relocations: [{ ...common, change: "same", old: HERE, new: HERE }],
};

function program(name: string, section: string, works: boolean, fields: readonly FieldImpact[]): ProgramImpact {
  const change = fields.includes(LOST) ? "newly-poisoned" : "same";
  return { object: "x.o", program: name, section, worked: true, works, change, fields, targets: [] };
}

function report(names: readonly string[], ...programs: readonly ProgramImpact[]): ImpactReport {
  const works = programs.every((one) => one.works);
  const broken = programs.filter((one) => !one.works).length;
  const kernel = { source: "kernel", modules: [] };
  const totals = { objects: 1, skipped: 0, programs: programs.length, broken: 0, mended: 0, targets: 0 };
  const none = RELOCATION_CHANGES.map((change) => [change, 0]);
  const relocations = Object.fromEntries(none) as Record<RelocationChange, number>;
  return {
    version: 1,
    rules: "libbpf",
    old: kernel,
    new: kernel,
    totals: { ...totals, relocations },
    objects: names.map((name) => {
      return { name, skipped: null, worked: true, works, broken, mended: 0, programs, targets: [] };
    }),
  };
}

const text = (...programs: readonly ProgramImpact[]) => impactText(report(["dir/x.o"], ...programs));

it("names the subprogram that breaks a program, and says of the program that it is not by itself", () => {
  const broken = text(
    program("helper", ".text", false, [LOST, KEPT]),
    program("caller", "kprobe/f", false, []),
    program("other", "kprobe/g", true, [KEPT]),
  );
  expect(broken).toBe(`x.o: breaks
  helper (.text): breaks
    newly poisoned   s.a  s has no member a  [x.bpf.c:7]
    1 field as before
  caller (kprobe/f): breaks, by what it calls
  1 program with 1 field as before
`);
});

it("counts programs that ask for no field without their fields", () => {
  expect(text(program("a", "kprobe/f", true, []), program("b", "kprobe/g", true, []))).toBe(
    "x.o: 2 programs as before\n",
  );
  expect(text(program("a", "kprobe/f", true, [KEPT]))).toBe("x.o: 1 program with 1 field as before\n");
});

it.each([
  [
    ["a/x.o", "b/y.o"],
    ["x.o", "y.o"],
  ],
  [
    ["a/x.o", "b/x.o", "b/y.o"],
    ["a/x.o", "b/x.o", "y.o"],
  ],
  [
    ["x.o", "a/x.o", "/a/x.o"],
    ["x.o", "a/x.o", "/a/x.o"],
  ],
  [
    ["one/a/x.o", "two/a/x.o", "b/x.o"],
    ["one/a/x.o", "two/a/x.o", "b/x.o"],
  ],
  [
    ["a/x.o", "a/x.o"],
    ["x.o", "x.o"],
  ],
])("calls %j by no more of their paths than tells them apart", (paths, names) => {
  const one = report(paths, program("p", "kprobe/f", false, [LOST]));
  expect([...impactText(one).matchAll(/^(\S+): breaks$/gm)].map(([, name]) => name)).toEqual(names);
  const markdown = impactMarkdown(one);
  expect([...markdown.matchAll(/^\| ❌ breaks \| `(\S+)` /gm)].map(([, name]) => name)).toEqual(names);
  expect([...markdown.matchAll(/<summary><code>(\S+)<\/code>/g)].map(([, name]) => name)).toEqual(names);
});
