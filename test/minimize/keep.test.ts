import { describe, expect, it } from "vitest";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import { RELO_TYPE_EXISTS } from "../../lib/core/relo-kind.ts";
import { runJob } from "../../lib/job/job.ts";
import { minimize } from "../../lib/minimize/minimize.ts";
import { array, btf, constOf, enumOf, int, m, ptr, type Row, struct, typedef, union } from "../btf/builder.ts";
import { buildObject, EXIT, MOV_K } from "../core/object-builder.ts";
import { outline } from "./outline.ts";

/** One kernel for most rows; the first is type id 1. */
const ROWS: readonly Row[] = [
  int("int", 4),
  typedef("pid_t", 1),
  enumOf("state", 4, { RUNNING: 0, SLEEPING: 1 }),
  struct("mm", 16, [m("users", 1, 0), m("map_count", 1, 32)]),
  ptr(4),
  union("", 8, [m("a", 1, 0), m("b", 1, 32)]),
  struct("task", 64, [m("pid", 2, 0), m("state", 3, 32), m("mm", 5, 64), m("", 6, 128), m("tries", 9, 192)]),
  constOf(4),
  array(8, 1, 2),
  union("any", 8, [m("x", 1, 0)]),
  // Two of one name.
  struct("twin", 4, [m("left", 1, 0)]),
  struct("twin", 8, [m("right", 1, 32)]),
  typedef("task", 7),
];

const kept = (keep: string[]) => {
  const { blobs, keepProblems } = minimize(parseBtf(btf(ROWS)), [], { keep });
  return { lines: outline(parseBtf(blobs[0].bytes)), problems: keepProblems };
};

describe("typedefs of each other", () => {
  const loop = [int("int", 4), typedef("a", 3), typedef("b", 2), struct("s", 4, [m("x", 2, 0)])];
  it.each([
    [["a"], {}],
    [["s.x"], {}],
    [["s.x"], { keepNames: true }],
  ])("are refused, and not followed without end: %j %j", (keep, options) => {
    expect(() => minimize(parseBtf(btf(loop)), [], { keep, ...options })).toThrow(/or in a circle/);
  });
});

describe("what is kept", () => {
  it.each([
    ["struct mm", ["struct mm 16 {}"]],
    ["mm", ["struct mm 16 {}"]],
    ["mm.users", ["struct mm 16 {users@0 int}"]],
    ["struct mm.*", ["struct mm 16 {users@0 int, map_count@32 int}"]],
    ["union any", ["union any 8 {}"]],
    ["enum state", ["enum state {}"]],
    ["enum state.*", ["enum state {RUNNING, SLEEPING}"]],
    ["enum state::SLEEPING", ["enum state {SLEEPING}"]],
    ["state.SLEEPING", ["enum state {SLEEPING}"]],
    ["typedef pid_t", ["typedef pid_t = int int"]],
    // Every kind that bears the name.
    ["task.pid", ["struct task 64 {pid@0 int}", "typedef task = struct task"]],
    // Where the path ends: a pointer to void, a nameless type.
    ["struct task.mm", ["struct task 64 {mm@64 void *}"]],
    ["struct task.state", ["enum {}", "struct task 64 {state@32 enum}"]],
    // Through a pointer, an anonymous member, an array.
    ["struct task.mm.users", ["struct 16 {users@0 int}", "struct task 64 {mm@64 struct *}"]],
    ["struct task.b", ["struct task 64 {@128 union}", "union 8 {b@32 int}"]],
    ["struct task.tries.users", ["struct 16 {users@0 int}", "struct task 64 {tries@192 struct[2]}"]],
    ["twin", ["struct twin 4 {}", "struct twin 8 {}"]],
    // Of two, one with the member is enough.
    ["twin.right", ["struct twin 8 {right@32 int}"]],
    ["int", []],
  ])("%s", (spec, lines) => {
    expect(kept([spec])).toEqual({ lines, problems: [] });
  });

  it("is the union of what is asked for", () => {
    expect(kept(["mm.users", "mm.map_count", "typedef pid_t"]).lines).toEqual([
      "struct mm 16 {users@0 int int, map_count@32 int int}",
      "typedef pid_t = int int",
    ]);
  });
});

describe("what cannot be kept", () => {
  it.each([
    ["struct tesk", "missing", "there is no struct tesk", "task"],
    ["union mm", "missing", "there is no union mm", undefined],
    ["mm.user", "missing", "struct mm has no member user", "users"],
    ["state.RUNING", "missing", "enum state has no enumerator RUNING", "RUNNING"],
    ["struct task.pid.x", "missing", "typedef pid_t has no members", undefined],
    ["pid_t.x", "missing", "typedef pid_t has no members", undefined],
    ["struct", "syntax", "names no type", undefined],
    ["", "syntax", "names no type", undefined],
    ["mm..users", "syntax", "has an empty step", undefined],
    ["mm.*.users", "syntax", "has a * that is not its last step", undefined],
  ])("%s", (spec, what, reason, nearest) => {
    expect(kept([spec]).problems).toEqual([{ spec, what, reason, ...(nearest === undefined ? {} : { nearest }) }]);
  });
});

it("looks into modules for what the base lacks, and only then", () => {
  const view = parseBtf(btf(ROWS));
  const bytes = btf([struct("mm", 4), struct("port", 4, [m("id", 1, 0)])], { base: view });
  const target = parseModules(view, [{ bytes, source: "module" }]);
  const { blobs } = minimize(target, [], { keep: ["mm", "port.id"] });
  const small = parseModules(parseBtf(blobs[0].bytes), blobs.slice(1));
  expect(outline(small)).toEqual(["struct mm 16 {}", "struct port 4 {id@0 int}"]);
});

it("keeps a type that is kept by name from matching what it did not match", () => {
  // The object's is `void *`, the kernel's `int *`: with the pointer's target gone, they would be the same.
  const object = buildObject({
    rows: [int("int", 4), ptr(0), typedef("handle", 2)],
    programs: [{ name: "p", insns: [MOV_K, EXIT], relos: [{ kind: RELO_TYPE_EXISTS, typeId: 3, access: "0" }] }],
  });
  const bytes = btf([int("int", 4), ptr(1), typedef("handle", 2)]);
  const { proof, blobs, sets } = runJob({ base: { bytes, source: "kernel" } }, [object], { keep: ["handle"] });
  expect(sets[0]?.records.map(({ status }) => status)).toEqual(["absent"]);
  expect(proof.differences).toEqual([]);
  expect(outline(parseBtf(blobs[0].bytes))).toEqual(["typedef handle = int *"]);
});
