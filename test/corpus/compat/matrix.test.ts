import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compatDocument } from "../../../corpus/compat/document.ts";
import { compatHtml } from "../../../corpus/compat/html.ts";
import { compatMarkdown } from "../../../corpus/compat/markdown.ts";
import { matrixBuilder } from "../../../corpus/compat/matrix.ts";
import { WHOLE_VIEW } from "../../../corpus/compat/page/address.ts";
import { haystackOf, rowsOf, seenRows } from "../../../corpus/compat/page/model.ts";
import { columnCounts, rowFindings, totalsOf, verdictText } from "../../../corpus/compat/summary.ts";
import { parseBpfObject } from "../../../lib/core/object.ts";
import { type SceneKernel, sceneMatrix, sceneObjects } from "./scene.ts";

const RESOLVED: SceneKernel = ["debian/12/x86_64/6.1.0-2-amd64", {}, {}];
const SAME: SceneKernel = ["debian/12/x86_64/6.1.0-1-amd64", {}, {}];
const POISONED: SceneKernel = [
  "debian/11/x86_64/5.10.0-1-amd64",
  { 1: ["absent", "no member a"], 2: ["poisoned", "no member b"] },
  { skipped: "the object is for arm64" },
];
const REFUSED: SceneKernel = [
  "debian/13/x86_64/6.12.0-1-amd64",
  { 0: ["ambiguous", "two types"] },
  { 3: ["error", "deep"] },
];

describe("a matrix", () => {
  it("says equal rows and outcomes once", () => {
    const matrix = sceneMatrix(["a.o", "b.o"], [RESOLVED, POISONED, SAME]);
    expect(matrix.kernels.map(({ identity }) => identity.release)).toEqual([
      "5.10.0-1-amd64",
      "6.1.0-1-amd64",
      "6.1.0-2-amd64",
    ]);
    expect(matrix.rows).toHaveLength(2);
    expect(matrix.outcomes).toHaveLength(3);
    expect(matrix.groups.map(({ first, count }) => [first, count])).toEqual([
      [0, 1],
      [1, 2],
    ]);
  });

  it("is the same whatever the order of kernels", () => {
    const forth = compatDocument(sceneMatrix(["a.o", "b.o"], [RESOLVED, POISONED, SAME, REFUSED]));
    const back = compatDocument(sceneMatrix(["a.o", "b.o"], [REFUSED, SAME, POISONED, RESOLVED]));
    expect(back.kernels).toEqual(forth.kernels);
    expect(back.groups.map(({ label, status }) => [label, status])).toEqual(
      forth.groups.map(({ label, status }) => [label, status]),
    );
    expect(back.totals).toEqual(forth.totals);
  });

  it("takes the worst relocation for the status of an object, and counts all", () => {
    const matrix = sceneMatrix(["a.o", "b.o"], [POISONED]);
    const relocations = sceneObjects(["a.o"])[0]?.object.relocations.length ?? 0;
    expect(matrix.outcomes[matrix.rows[0]?.[0] ?? -1]).toMatchObject({
      status: "poisoned",
      counts: [relocations - 2, 1, 0, 1, 0, 0],
    });
    expect(matrix.outcomes[matrix.rows[0]?.[1] ?? -1]).toMatchObject({ status: "skipped", findings: [] });
    expect(verdictText(columnCounts(matrix, 0))).toBe("all poisoned, 1 skipped");
  });

  it("takes what a check keeps from being reached for as good as the check, and says which it is", () => {
    const guarded: SceneKernel = [
      "debian/11/x86_64/5.10.0-1-amd64",
      { 1: ["absent", "no member a"], 2: ["guarded", "no member b"] },
      {},
    ];
    const matrix = sceneMatrix(["a.o", "b.o"], [guarded]);
    const relocations = sceneObjects(["a.o"])[0]?.object.relocations.length ?? 0;
    expect(matrix.outcomes[matrix.rows[0]?.[0] ?? -1]).toMatchObject({
      status: "absent",
      counts: [relocations - 2, 1, 1, 0, 0, 0],
    });
    expect(verdictText(columnCounts(matrix, 0))).toBe("1 resolved, 1 guarded-absent");
    expect(rowFindings(matrix, 0).map(({ status, reason }) => [status, reason])).toEqual([
      ["guarded", "no member b"],
      ["absent", "no member a"],
    ]);
    expect(compatDocument(matrix).outcomes.map(({ counts }) => counts)).toContainEqual({
      resolved: relocations - 2,
      absent: 1,
      guarded: 1,
    });
    expect(compatMarkdown(matrix)).not.toContain("no member");
  });

  it("gives each program a column, with its own relocations alone", () => {
    const matrix = sceneMatrix(["a.o"], [POISONED], { byProgram: true });
    const [{ object } = { object: null }] = sceneObjects(["a.o"]);
    const users = new Set(object?.relocations.map(({ program }) => object.programs[program]?.name));
    expect(new Set(matrix.columns.map(({ program }) => program))).toEqual(users);
    const total = matrix.outcomes.flatMap(({ counts }) => counts).reduce((sum, count) => sum + count, 0);
    const distinct = matrix.rows[0]?.map((index) => matrix.outcomes[index]?.counts.reduce((sum, n) => sum + n, 0) ?? 0);
    expect(total).toBeGreaterThan(0);
    expect(distinct?.reduce((sum, n) => sum + n, 0)).toBe(object?.relocations.length);
  });

  describe("with targets that are not there", () => {
    const KEY = "debian/12/x86_64/6.1.0-1-amd64";
    const TRACEPOINT = ["exec", "tp_btf", "btf_trace_x"] as const;
    const KFUNC = [".ksyms", "kfunc", "bpf_x"] as const;

    it("calls the object so, unless a loader refuses it for a relocation, and says which after the relocations", () => {
      const cells = [
        { lacks: [TRACEPOINT, KFUNC] },
        { 2: ["poisoned", "no b"], lacks: [KFUNC] },
        { 2: ["ambiguous", "two"], lacks: [KFUNC] },
      ] as const;
      const matrix = sceneMatrix(["a.o", "b.o", "c.o"], [[KEY, ...cells]]);
      const outcomes = matrix.rows[0]?.map((index) => matrix.outcomes[index]);
      expect(outcomes?.map((outcome) => outcome?.status)).toEqual(["no-target", "no-target", "ambiguous"]);
      expect(outcomes?.map((outcome) => outcome?.findings.map(({ status }) => status))).toEqual([
        ["no-target", "no-target"],
        ["poisoned", "no-target"],
        ["ambiguous", "no-target"],
      ]);
      expect(rowFindings(matrix, 0).map(({ status, kinds, path, reason }) => [status, kinds, path, reason])).toEqual([
        ["ambiguous", expect.anything(), expect.anything(), "two"],
        ["no-target", ["tp_btf"], "btf_trace_x", "there is no btf_trace_x"],
        ["no-target", ["kfunc"], "bpf_x", "there is no bpf_x"],
        ["poisoned", expect.anything(), expect.anything(), "no b"],
      ]);
      expect(verdictText(columnCounts(matrix, 0))).toBe("2 without a target, 1 ambiguous");
      expect(compatMarkdown(matrix)).toContain(
        "**no-target** `tp_btf btf_trace_x`: `there is no btf_trace_x` in `a.o exec`",
      );
      const { places } = compatDocument(matrix);
      expect(places).toContainEqual({
        section: "tp_btf/sched_process_exec",
        program: "exec",
        instruction: null,
        source: null,
        kind: "tp_btf",
        path: "btf_trace_x",
      });
    });

    it("gives a program its own, and what all of the object needs", () => {
      const bytes = readFileSync(new URL("../../fixtures/objects/kptr.o", import.meta.url));
      const objects = [{ object: parseBpfObject(bytes, "k.o"), tag: null }];
      const names = objects[0]?.object.programs.map(({ name }) => name) ?? [];
      const builder = matrixBuilder(objects, "libbpf", true);
      const user = "swap";
      const lacked = [
        { user, kind: "tp_btf", name: "btf_trace_x", reason: "none" },
        { user: ".ksyms", kind: "kfunc", name: "bpf_x", reason: "none" },
      ] as const;
      const identity = { id: "debian", versionId: "12", arch: "x86_64", release: "6.1.0-1-amd64" };
      builder.add({ identity, origin: "a", objects: [{ skipped: null, statuses: "", findings: [], lacked }] });
      const matrix = builder.finish([]);
      expect(names).toEqual(["level_of", "swap", "mkdir"]);
      expect(matrix.columns.map(({ program }) => program)).toEqual(names);
      const counts = matrix.rows[0]?.map((index) => matrix.outcomes[index]?.findings.length);
      expect(counts).toEqual(names.map((name) => (name === user ? 2 : 1)));
      // The extern is one place, however many programs it keeps from being loaded.
      expect(rowFindings(matrix, 0).map(({ path, places }) => [path, places.length])).toEqual([
        ["bpf_x", 1],
        ["btf_trace_x", 1],
      ]);
    });
  });

  it("joins findings that say the same, the worst first", () => {
    const cell = { 0: ["absent", "gone"], 4: ["poisoned", "no b"] } as const;
    const [first, second, ...rest] = rowFindings(sceneMatrix(["a.o", "b.o"], [["x/1/x86_64/5.1.0", cell, cell]]), 0);
    expect(rest).toEqual([]);
    expect(first).toMatchObject({ status: "poisoned", reason: "no b" });
    expect(first?.places.map(({ object }) => object)).toEqual(["a.o", "b.o"]);
    expect(second).toMatchObject({ status: "absent", reason: "gone" });
  });

  it.each([
    [false, "all without relocations", 1],
    [true, "all without relocations", 0],
  ])("does not call an object without relocations resolved (by program: %s)", (byProgram, words, columns) => {
    const bytes = readFileSync(new URL("../../fixtures/objects/no_core.o", import.meta.url));
    const builder = matrixBuilder([{ object: parseBpfObject(bytes), tag: null }], "libbpf", byProgram);
    const identity = { id: "debian", versionId: "12", arch: "x86_64", release: "6.1.0-1-amd64" };
    builder.add({ identity, origin: "a", objects: [{ skipped: null, statuses: "", findings: [], lacked: [] }] });
    const matrix = builder.finish([]);
    expect(matrix.columns).toHaveLength(columns);
    expect(verdictText(columnCounts(matrix, 0))).toBe(words);
    const document = compatDocument(matrix);
    expect(document.groups[0]?.status).toBe("no-relocations");
    const rows = rowsOf(document);
    const [seen] = seenRows(document, rows, haystackOf(document, rows), WHOLE_VIEW);
    expect(seen?.counts).toMatchObject({ worst: "no-relocations", resolved: 0, without: columns });
  });

  it("adds up kernels and cells", () => {
    const unreadable = [{ origin: "bad.xz", reason: "ends early" }];
    const totals = totalsOf(sceneMatrix(["a.o", "b.o"], [RESOLVED, SAME, POISONED, REFUSED], { unreadable }));
    expect(totals).toMatchObject({ kernels: 4, objects: 2, columns: 2, groups: 3, unreadable: 1 });
    const none = { "no-relocations": 0, absent: 0, "no-target": 0 };
    expect(totals.kernelsByStatus).toEqual({ ...none, skipped: 0, resolved: 2, poisoned: 1, ambiguous: 0, error: 1 });
    expect(totals.cellsByStatus).toEqual({ ...none, skipped: 1, resolved: 4, poisoned: 1, ambiguous: 1, error: 1 });
  });
});

describe("names from hostile files", () => {
  const EVIL = "</script><img src=x onerror=alert(1)>|`` @admin #1 \u202e\u001b[31m\n# h";
  const matrix = sceneMatrix(
    [`${EVIL}.o`],
    [[`debian/12/x86_64/6.1.0-${EVIL.replaceAll("/", "")}`, { 0: ["poisoned", EVIL] }]],
    {
      unreadable: [{ origin: EVIL, reason: EVIL }],
    },
  );

  it("do not end the page's data, which reads back the same", () => {
    const document = compatDocument(matrix);
    const page = new TextDecoder().decode(compatHtml(document, "<script><!--data--></script>"));
    const data = page.slice("<script>".length, -"</script>".length);
    expect(data).not.toContain("<");
    expect(JSON.parse(data)).toEqual(JSON.parse(JSON.stringify(document)));
  });

  it("stay in code spans and lines of Markdown", () => {
    const text = compatMarkdown(matrix);
    for (const control of ["\u202e", "\u001b"]) expect(text).not.toContain(control);
    expect(text).not.toMatch(/^# h/m);
    // What is left without code spans has nothing of the name.
    const prose = text.replace(/(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)/g, "").replace(/<code>.*?<\/code>/g, "");
    expect(prose).not.toMatch(/img|@admin|#1/);
    for (const line of text.split("\n").filter((line) => line.startsWith("| 🟠"))) {
      expect(line.replace(/\\\|/g, "").split("|")).toHaveLength(6);
    }
    for (const heading of text.matchAll(/<code>(.*?)<\/code>/g)) expect(heading[1]).not.toMatch(/[<>@#](?!\d+;)/);
  });
});

it("cuts Markdown that would be too long for a comment, and says so", () => {
  const kernels = Array.from({ length: 3000 }, (_, i): SceneKernel => {
    return [`debian/12/x86_64/6.1.${i}-amd64`, { 0: ["poisoned", `reason ${i}`] }];
  });
  const text = compatMarkdown(sceneMatrix(["a.o"], kernels));
  expect(text.length).toBeLessThan(65_536);
  expect(text).toContain("left out");
});
