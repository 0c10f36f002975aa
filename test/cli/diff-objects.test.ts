import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import type { HistoryReport } from "../../cli/diff/history-report.ts";
import type { ImpactStrict } from "../../cli/diff/impact-allow.ts";
import type { ImpactReport } from "../../cli/diff/impact-report.ts";
import type { CompatDocument } from "../../corpus/compat/document.ts";
import { KERNEL_6_1, KERNEL_BIG_ENDIAN, KERNEL_OF_MODULES, kernelSample } from "../samples.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const object = (name: string) => join(root, "test/fixtures/objects", name);
const OBJECTS = ["exec.o", "block_io.o", "flavours.o", "fentry_fexit.o", "bitfields.o", "enums.o", "sched_switch.o"];
const { directory, put } = workspace();
const OLDEST = "debian/11/x86_64/5.10.0-46-cloud-amd64";
let [older, old, now] = ["", "", ""];

beforeAll(async () => {
  older = kernelSample(OLDEST).path;
  old = kernelSample(KERNEL_6_1).path;
  now = kernelSample(KERNEL_OF_MODULES).path;
  put(`corpus/${KERNEL_OF_MODULES}.btf`, readFileSync(now));
  put(`corpus/${KERNEL_6_1}.btf`, readFileSync(old));
  put(`corpus/${OLDEST}.btf`, readFileSync(older));
  put("corpus/README", "no kernel\n");
});
const corpus = join(directory, "corpus");
const withObjects = (...names: readonly string[]) => names.flatMap((name) => ["--object", object(name)]);

async function json<T>(args: readonly string[]): Promise<{ readonly code: number; readonly report: T }> {
  const { stdout, code, stderr } = await runText(["diff", ...args, "--json"]);
  if (stdout === "") throw new Error(stderr);
  return { code, report: JSON.parse(stdout) as T };
}

describe("btfgen diff OLD NEW --object", () => {
  it("shows what a step does, program by program and field by field", async () => {
    const { stdout, stderr, code } = await runText(["diff", old, now, ...withObjects("exec.o", "block_io.o")]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^exec\.o: works$/m);
    expect(stdout).toMatch(/^ {4}moved {12}task_struct\.tgid +at 2420 -> 2436 {2}\[exec\.bpf\.c:\d+/m);
    expect(stderr).toMatch(/^btfgen: .* 2 objects, \d+ programs, relocations: \d+ same, \d+ moved/m);
    expect(stderr).toContain("0 would break, 0 would work now");
  });

  it("fails with --strict where a program would break, and only there", async () => {
    // Kernels have the one or the other of two members, which the object asks about before it reads.
    const guarded = await json<ImpactReport>([older, old, ...withObjects("block_io.o"), "--strict"]);
    expect(guarded.code).toBe(0);
    expect(guarded.report.totals).toMatchObject({ broken: 0, mended: 0 });
    expect(guarded.report.totals.relocations).toMatchObject({
      "newly-guarded": 1,
      "newly-absent": 1,
      "newly-resolved": 1,
    });
    const back = await json<ImpactReport>([now, older, ...withObjects("externs.o", "flexible.o"), "--strict"]);
    // Kernel functions that are gone, and a read that nothing guards.
    expect(back.report.totals.broken).toBe(2);
    expect(back.code).toBe(1);
    const lenient = await runText(["diff", now, older, ...withObjects("externs.o", "flexible.o")]);
    expect(lenient.code).toBe(0);
    const same = await runText(["diff", now, now, ...withObjects(...OBJECTS), "--strict", "--exit-code"]);
    expect(same.code).toBe(0);
    const changed = await runText(["diff", old, now, ...withObjects("exec.o"), "--exit-code"]);
    expect(changed.code).toBe(1);
  });

  it("compares no targets with BTF that was minimized without them, and says so", async () => {
    const small = join(directory, "small.btf");
    const made = await runText(["minimize", now, object("exec.o"), "-o", small]);
    expect(made.code).toBe(0);
    const { stdout, stderr, code } = await runText(["diff", old, small, ...withObjects("exec.o"), "--strict"]);
    expect(stderr).toContain(
      `warning: ${small}: has no functions (minimized?), so targets of objects are not compared`,
    );
    expect(stderr).toContain("0 would break, 0 would work now");
    expect(stdout).toMatch(/^exec\.o: works$/m);
    expect(code).toBe(0);
    const both = await runText(["diff", old, now, ...withObjects("exec.o")]);
    expect(both.stderr).not.toContain("has no functions");
  });

  // What breaks: bpf_task_acquire, bpf_task_release, runqueues of an object, and a read in a program.
  const KSYMS = "externs.o:.ksyms:*";
  const READ = "flexible.o:flexible:bpf_prog___classic.*:byte_off";
  it.each<[string, readonly string[], number]>([
    ["nothing", [], 4],
    ["all of an object's", [KSYMS], 1],
    ["a program's read", [`${READ}  # ours is another`], 3],
    ["all there is", [KSYMS, READ], 0],
    ["what is of one kind", ["*:*:*:kfunc"], 2],
    ["what is of one name", ["*:*:runqueues:ksym", "*:*:bpf_task_*"], 1],
    ["breaks on the new kernel", ["[debian/11/x86_64/5.10.*] *:*:*"], 0],
    ["breaks on a kernel by its release", ["[5.10.0-46-*] *:*:*"], 0],
  ])("lets --strict pass %s", async (_what, rules, refused) => {
    const list = put("allow.txt", `# known\n${rules.join("\n")}\n`);
    const step = [join(corpus, `${KERNEL_OF_MODULES}.btf`), join(corpus, `${OLDEST}.btf`)];
    const args = [...step, ...withObjects("externs.o", "flexible.o"), "--strict", "--allow", list];
    const { code, report } = await json<ImpactReport & { readonly strict: ImpactStrict | null }>(args);
    expect(report.strict).toMatchObject({ refused, allowed: 4 - refused, unusedRules: [] });
    expect(report.strict?.first === null).toBe(refused === 0);
    expect(code).toBe(refused === 0 ? 0 : 1);
    // Rules say nothing of what breaks, only of how the command ends.
    expect(report.totals.broken).toBe(2);
  });

  it("names what --strict refuses first, and rules that let nothing pass", async () => {
    const rules = ["[debian/12/*] *:*:*", "externs.o:*:bpf_task_*", "other.o:*:*", "*:*:*:byte_off"];
    const list = put("old.txt", rules.join("\n"));
    const args = [now, older, ...withObjects("externs.o", "flexible.o"), "--strict", "--allow", list];
    const { stderr, code } = await runText(["diff", ...args]);
    expect(code).toBe(1);
    expect(stderr.split("\n").slice(-4, -1)).toEqual([
      `btfgen: warning: ${list}:1: the rule lets nothing pass: [debian/12/*] *:*:*`,
      `btfgen: warning: ${list}:3: the rule lets nothing pass: other.o:*:*`,
      `btfgen: --strict: 1 break; first ${object("externs.o")}: .ksyms: gone: ksym runqueues`,
    ]);
    const bad = put("bad.txt", "externs.o:all");
    const refused = await runText(["diff", now, older, ...withObjects("externs.o"), "--strict", "--allow", bad]);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain(`${bad}:1: "externs.o:all" is no rule`);
  });

  it("says of both ends what compat says of each", async () => {
    const all = OBJECTS.map(object);
    const { report } = await json<ImpactReport>([old, now, ...withObjects(...OBJECTS)]);
    const compat = await runText(["compat", ...all, "-c", old, "-c", now, "--json"]);
    const matrix = JSON.parse(compat.stdout) as CompatDocument;
    for (const [side, path] of [
      ["old", old],
      ["new", now],
    ] as const) {
      const at = matrix.kernels.findIndex(({ origin }) => origin === path);
      const group = matrix.groups.find(({ first, count }) => at >= first && at < first + count);
      const row = matrix.rows[group?.row ?? -1] ?? [];
      expect(row).toHaveLength(OBJECTS.length);
      row.forEach((index, i) => {
        const relocations = report.objects[i]?.programs.flatMap(({ fields }) =>
          fields.flatMap((field) => field.relocations),
        );
        const counts = new Map<string, number>();
        for (const relocation of relocations ?? []) {
          const { status } = relocation[side];
          if (status !== "skipped") counts.set(status, (counts.get(status) ?? 0) + 1);
        }
        expect(Object.fromEntries(counts)).toEqual(matrix.outcomes[index]?.counts);
      });
    }
  });

  it.each([
    ["arm64", ["x86_64", "x86_64"], "the object is for arm64, the kernels x86_64"],
    ["arm64", ["x86_64", "s390x"], "the object is for arm64, the kernels x86_64 and s390x"],
    ["arm64", ["x86_64", "arm64"], null],
    ["arm64", ["x86_64", null], null],
    ["x86", ["x86_64", "x86_64"], null],
    ["any", ["x86_64", "x86_64"], null],
  ] as const)("skips an object for %s where both kernels are known to be others: %j", async (tag, arches, skipped) => {
    const step = arches.map((arch, i) => {
      return put(arch === null ? `step/k${i}` : `step/debian/12/${arch}/6.1.0-${i}-a.btf`, readFileSync(old));
    });
    const { code, report } = await json<ImpactReport>([...step, "--object", `${tag}=${object("exec.o")}`, "--strict"]);
    expect(code).toBe(0);
    expect(report.objects.map((one) => [one.skipped, one.works])).toEqual([[skipped, skipped === null]]);
  });

  it("mirrors itself the other way round", async () => {
    const forth = await json<ImpactReport>([old, now, ...withObjects(...OBJECTS)]);
    const back = await json<ImpactReport>([now, old, ...withObjects(...OBJECTS)]);
    const sides = (report: ImpactReport, a: "old" | "new", b: "old" | "new") =>
      report.objects.flatMap(({ programs }) =>
        programs.flatMap(({ fields }) =>
          fields.flatMap(({ path, relocations }) => relocations.map((one) => [path, one[a], one[b]])),
        ),
      );
    expect(sides(forth.report, "old", "new").length).toBeGreaterThan(50);
    expect(sides(back.report, "new", "old")).toEqual(sides(forth.report, "old", "new"));
    expect(back.report.totals.broken).toBe(forth.report.totals.mended);
    expect(back.report.totals.relocations.moved).toBe(forth.report.totals.relocations.moved);
  });

  it("writes Markdown, and a page that holds the same", async () => {
    const page = join(directory, "page.html");
    const markdown = await runText(["diff", old, now, ...withObjects("exec.o"), "-f", "markdown", "--html", page]);
    expect(markdown.stdout).toContain("| ✅ works | `exec.o` |");
    expect(markdown.stdout).toMatch(/- \*\*moved\*\* `task_struct\.tgid`: `at 2420 -> 2436` at `exec\.bpf\.c:\d+/);
    const text = readFileSync(page, "utf8");
    expect(text).toContain("<title>BTF diff</title>");
    // A name of SVG's language is no address.
    const links = text.replaceAll("http://www.w3.org/2000/svg", "").match(/https?:\/\/\S{0,40}|src=\S{0,40}/g);
    expect(links).toBeNull();
    const data = JSON.parse(/id="data">(.*?)<\/script>/s.exec(text)?.[1] ?? "");
    expect(data.types.length).toBeGreaterThan(5000);
    const { report } = await json<ImpactReport>([old, now, ...withObjects("exec.o")]);
    expect(report).toEqual({ ...data.impact, strict: null });
    const filtered = await runText([
      "diff",
      old,
      now,
      ...withObjects("exec.o"),
      "--html",
      page,
      "--type",
      "task_struct",
    ]);
    expect(filtered.code).toBe(0);
    const [only] = JSON.parse(/id="data">(.*?)<\/script>/s.exec(readFileSync(page, "utf8"))?.[1] ?? "").types;
    expect(only[2]).toBe("task_struct");
  });

  it.each([
    [["OLD"], "diff needs OLD and NEW"],
    [["OLD", "NEW", "MORE"], "more than two kernels need --object"],
    [["OLD", "NEW", "--strict"], "--strict needs --object"],
    [["OLD", "NEW", "--allow", "x"], "--allow needs --strict"],
    [["OLD", "NEW", "OBJECT", "--allow", "x"], "--allow needs --strict"],
    [["OLD", "NEW", "--loader", "cilium"], "--loader needs --object"],
    [["OLD", "NEW", "OBJECT", "--stat"], "--stat and --object exclude each other"],
    [["OLD", "NEW", "OBJECT", "--type", "x"], "--type is about types"],
    [["OLD", "NEW", "MORE", "OBJECT", "--strict"], "--strict is for a step from one kernel to another"],
    [["OLD", "NEW", "OBJECT", "--json", "--format", "text"], "exclude each other"],
  ] as const)("refuses %j", async (words, said) => {
    const paths: Readonly<Record<string, readonly string[]>> = {
      OLD: [old],
      NEW: [now],
      MORE: [older],
      OBJECT: withObjects("exec.o"),
    };
    const { code, stderr } = await runText(["diff", ...words.flatMap((word) => paths[word] ?? [word])]);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
  });
});

describe("btfgen diff A B C ... --object", () => {
  const states = ({ rows, states: all }: HistoryReport, path: string) =>
    rows.find((row) => row.path === path)?.cells.map((cell) => all[cell]?.bitOffset);

  it("follows fields over kernels in the order given, where releases are not known", async () => {
    const unnamed = [now, older, old].map((path, i) => put(`k${i}`, readFileSync(path)));
    const { report, code } = await json<HistoryReport>([...unnamed, ...withObjects("exec.o")]);
    expect(code).toBe(0);
    expect(report.kernels.map(({ origin }) => origin)).toEqual(unnamed);
    const [c, a, b] = states(report, "task_struct.tgid") ?? [];
    expect([b, c]).toEqual([2420 * 8, 2436 * 8]);
    expect(a).toBeTypeOf("number");
  });

  it("takes a kernel from standard input", async () => {
    const stdin = readFileSync(now);
    const args = ["diff", "-", old, older, ...withObjects("exec.o"), "--json"];
    const run = await runText(args, { stdin });
    expect(run.code).toBe(0);
    const report = JSON.parse(run.stdout) as HistoryReport;
    expect(report.kernels.map(({ origin }) => origin)).toContain("(standard input)");
    expect(states(report, "task_struct.tgid")).toContain(2436 * 8);
    const alone = await runText(["diff", "-", ...withObjects("exec.o")], { stdin });
    expect(alone.code).toBe(0);
    expect(alone.stdout).toMatch(/^task_struct\.tgid +2436$/m);
    const twice = await runText(["diff", "-", old, "-", ...withObjects("exec.o")], { stdin });
    expect(twice.code).toBe(2);
    expect(twice.stderr).toContain("- is given more than once");
    const tagged = await runText(["diff", "-", old, older, "--object", "x86_64=-"], { stdin });
    expect(tagged.stderr).toContain("- is given more than once");
    const nothing = await runText(["diff", "-", ...withObjects("exec.o")], { stdin: "" });
    expect(nothing.code).toBe(2);
    expect(nothing.stderr).toContain("(standard input): ");
  });

  it("puts a corpus in the order of releases, and has a column for each kernel", async () => {
    const { stdout, stderr, code } = await runText(["diff", corpus, ...withObjects("exec.o")]);
    expect(code).toBe(0);
    const [head = "", ...lines] = stdout.split("\n");
    expect(head.split(/ {2,}/)).toEqual([
      "FIELD",
      "5.10.0-46-cloud-amd64",
      "6.1.0-56-cloud-amd64",
      "6.12.117+deb12-amd64",
    ]);
    expect(lines.find((line) => line.startsWith("task_struct.tgid "))).toMatch(/ 2420 +2436$/);
    expect(stderr).toMatch(/fields of 1 object on 3 kernels/);
  });

  it("skips kernels of another architecture than the object's tag", async () => {
    put("arches/debian/12/arm64/6.1.0-9-arm64.btf", readFileSync(old));
    put(`arches/${KERNEL_6_1}.btf`, readFileSync(old));
    const { report } = await json<HistoryReport>([join(directory, "arches"), "--object", `arm64=${object("exec.o")}`]);
    expect(report.kernels.map(({ arch }) => arch)).toEqual(["arm64", "x86_64"]);
    const row = report.rows.find(({ path }) => path === "task_struct.tgid");
    expect(row?.cells.map((cell) => report.states[cell]?.status)).toEqual(["resolved", "skipped"]);
  });

  it("asks a tagged object of kernels whose architecture is not known", async () => {
    const unnamed = [now, older, old].map((path, i) => put(`u${i}`, readFileSync(path)));
    const tagged = put("prog_x86_bpfel.o", readFileSync(object("exec.o")));
    const { report } = await json<HistoryReport>([...unnamed, "--object", tagged]);
    const row = report.rows.find(({ path }) => path === "task_struct.tgid");
    expect(row?.cells.map((cell) => report.states[cell]?.status)).toEqual(["resolved", "resolved", "resolved"]);
  });

  it("lets kernels that an object skips part no run of the others", async () => {
    const big = kernelSample(KERNEL_BIG_ENDIAN).bytes;
    for (let i = 1; i <= 3; i++) {
      put(`parted/debian/12/arm64/6.1.0-${i}-a.btf`, readFileSync(old));
      put(`parted/debian/12/s390x/6.1.0-${i}-a.btf`, big);
      put(`parted/debian/12/x86_64/6.1.0-${i}-a.btf`, readFileSync(old));
    }
    const { stdout } = await runText(["diff", join(directory, "parted"), ...withObjects("exec.o")]);
    const lines = stdout.split("\n").map((line) => line.split(/ {2,}/));
    const first = lines.findIndex(([path]) => path === "task_struct.tgid");
    expect(lines[first]?.slice(1)).toEqual(["6", "2420", "debian 12 arm64, x86_64 6.1.0-1 to 6.1.0-3 a"]);
    expect(lines[first + 1]?.slice(1, 3)).toEqual(["3", "skipped"]);
  });

  it("says the same as the step between two of them", async () => {
    const history = await json<HistoryReport>([corpus, ...withObjects(...OBJECTS)]);
    const step = await json<ImpactReport>([old, now, ...withObjects(...OBJECTS)]);
    const at = (release: string) => history.report.kernels.findIndex((kernel) => kernel.release === release);
    const [from, to] = [at("6.1.0-56-cloud-amd64"), at("6.12.117+deb12-amd64")];
    let compared = 0;
    const toldOn = (row: HistoryReport["rows"][number], kernel: number) => {
      const { reason: _, ...told } = history.report.states[row.cells[kernel] ?? -1] ?? { reason: null };
      return JSON.stringify(told);
    };
    for (const { name, programs } of step.report.objects) {
      for (const { path, relocations } of programs.flatMap(({ fields }) => fields)) {
        const row = history.report.rows.find(
          (one) => one.path === path && one.users.some((user) => user.object === name),
        );
        if (row === undefined) throw new Error(`no row ${path}`);
        const isChanged = relocations.some(({ change }) => change !== "same");
        if (isChanged) expect([path, toldOn(row, from)]).not.toEqual([path, toldOn(row, to)]);
        for (const { old: before, new: after } of relocations) {
          if (before.place === null || after.place === null) continue;
          const [a, b] = [row.cells[from], row.cells[to]].map((cell) => history.report.states[cell ?? -1]);
          expect([path, a?.bitOffset, b?.bitOffset]).toEqual([path, before.place.bitOffset, after.place.bitOffset]);
          compared++;
        }
      }
    }
    expect(compared).toBeGreaterThan(50);
  });

  it("reads bundles of both layouts", async () => {
    for (const [layout, name] of [
      ["tree", "tree"],
      ["store", "store"],
      ["tree", "tree.tar"],
      ["store", "store.tar.gz"],
    ] as const) {
      const bundle = join(directory, "bundles", name);
      put("bundles/.keep", "");
      const made = await runText(["batch", corpus, ...withObjects("exec.o"), "--layout", layout, "-o", bundle]);
      expect(made.stderr).not.toContain("error");
      const { report } = await json<HistoryReport>([bundle, ...withObjects("exec.o")]);
      expect(report.kernels.map(({ release }) => release)).toContain("6.1.0-56-cloud-amd64");
      expect(states(report, "task_struct.tgid")?.slice(1)).toEqual([2420 * 8, 2436 * 8]);
    }
    const entries = ["6.12.117+deb12-amd64", "6.1.0-56-cloud-amd64", "5.10.0-46-cloud-amd64"].map((release) => {
      return `${join(directory, "bundles/store.tar.gz")}!${release}`;
    });
    const { report } = await json<HistoryReport>([...entries, ...withObjects("exec.o")]);
    expect(report.kernels.map(({ versionId }) => versionId)).toEqual(["11", "12", "12"]);
  });

  it("writes lines for runs of kernels where there are many, and Markdown", async () => {
    for (let i = 1; i <= 7; i++) put(`many/debian/12/x86_64/6.1.0-${i}-amd64.btf`, readFileSync(i < 5 ? old : now));
    const many = join(directory, "many");
    const text = await runText(["diff", many, ...withObjects("exec.o")]);
    const lines = text.stdout.split("\n").map((line) => line.split(/ {2,}/));
    const first = lines.findIndex(([path]) => path === "task_struct.tgid");
    expect(lines[first]?.slice(1)).toEqual(["4", "2420", "debian 12 x86_64 6.1.0-1 to 6.1.0-4 amd64"]);
    expect(lines[first + 1]?.slice(1)).toEqual(["3", "2436", "debian 12 x86_64 6.1.0-5 to 6.1.0-7 amd64"]);
    const markdown = await runText(["diff", many, ...withObjects("exec.o"), "-f", "markdown"]);
    expect(markdown.stdout).toContain(
      "| `task_struct.tgid` | 4 | `2420` | `debian 12 x86_64 6.1.0-1 to 6.1.0-4 amd64` |",
    );
  });

  it("goes on behind what it cannot read, names it and exits 1", async () => {
    put(`some/${KERNEL_6_1}.btf`, readFileSync(old));
    put("some/debian/12/x86_64/6.1.0-1-amd64.btf", readFileSync(old).subarray(0, 100_000));
    const { code, report } = await json<HistoryReport>([join(directory, "some"), ...withObjects("exec.o")]);
    expect(code).toBe(1);
    expect(report.kernels).toHaveLength(1);
    expect(report.unreadable.map(({ origin }) => origin.split("/").at(-1))).toEqual(["6.1.0-1-amd64.btf"]);
    const line = /^⛔ `.*6\.1\.0-1-amd64\.btf`: unreadable: `.+`$/m;
    const few = await runText(["diff", join(directory, "some"), ...withObjects("exec.o"), "-f", "markdown"]);
    expect(few.stdout).toMatch(line);
    const kernels = [old, old, old, now, now, now, join(directory, "some")];
    const many = await runText(["diff", ...kernels, ...withObjects("exec.o"), "-f", "markdown"]);
    expect(many.stdout).toMatch(line);
    const page = join(directory, "of-nothing.html");
    const damaged = [put("trunc.btf", readFileSync(old).subarray(0, 100_000)), put("void.btf", ""), "no/such/file"];
    const none = await runText(["diff", ...damaged, ...withObjects("exec.o"), "--html", page]);
    expect(none).toMatchObject({ code: 2, stdout: "" });
    expect(none.stderr).toContain("no kernel could be read");
    for (const path of damaged) expect(none.stderr).toContain(`warning: ${path}: unreadable: `);
    expect(existsSync(page)).toBe(false);
    const empty = await json<HistoryReport>([...damaged, ...withObjects("exec.o")]);
    expect(empty.code).toBe(2);
    expect(empty.report.unreadable.map(({ origin }) => origin)).toEqual(damaged);
    const nothing = await runText(["diff", put("none/README", "x").replace(/\/README$/, ""), ...withObjects("exec.o")]);
    expect(nothing.code).toBe(2);
    expect(nothing.stderr).toContain("no kernel's BTF was found in it");
  });
});
