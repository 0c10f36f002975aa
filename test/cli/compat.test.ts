import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import type { CompatDocument } from "../../corpus/compat/document.ts";
import { kernelSample } from "../samples.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const object = (name: string) => join(root, "test/fixtures/objects", name);
const { directory, put } = workspace();
/** Two sample kernels: one in its archive; one raw, twice, also under the name of another release. */
const corpus = join(directory, "corpus");
const OLD = "debian/11/x86_64/5.10.0-46-cloud-amd64.btf.tar.xz";

type Report = CompatDocument & {
  readonly filesWithoutKernels: number;
  readonly strict: { readonly refused: number; readonly allowed: number; readonly kernels: number } | null;
};

async function report(args: readonly string[]): Promise<{ readonly code: number; readonly report: Report }> {
  const { stdout, code } = await runText(["compat", ...args, "--json"]);
  return { code, report: JSON.parse(stdout) as Report };
}

beforeAll(async () => {
  cpSync(join(root, "corpus/samples", OLD), join(corpus, OLD));
  const { bytes } = kernelSample("debian/12/x86_64/6.1.0-56-rt-amd64");
  for (const release of ["6.1.0-56", "6.1.0-9"]) put(`corpus/debian/12/x86_64/${release}-rt-amd64.btf`, bytes);
  put("corpus/README.md", "no kernel\n");
});

describe("btfgen compat", () => {
  it("groups kernels on which nothing differs, and says why something is poisoned elsewhere", async () => {
    const { stdout, stderr, code } = await runText(["compat", object("exec.o"), object("flexible.o"), "-c", corpus]);
    const lines = stdout.trimEnd().split("\n");
    expect(code).toBe(0);
    expect(lines[0]).toBe("debian 11 x86_64 5.10.0-46-cloud-amd64: 1 kernel, 1 resolved, 1 poisoned");
    expect(lines[1]).toMatch(
      /^ {4}poisoned byte_off bpf_prog___classic\.insns\[1\]\.k: array bpf_prog\.insns has no .* \[flexible\.o /,
    );
    // There a union holds the array, and the program asks before it reads what is not there.
    const newer = "debian 12 x86_64 6.1.0-9 to 6.1.0-56 rt-amd64: 2 kernels, 1 resolved, 1 guarded-absent";
    expect(lines).toContain(newer);
    expect(lines[lines.indexOf(newer) + 1]).toMatch(/^ {4}guarded byte_off bpf_array\.ptrs\[3\]: /);
    expect(stderr).toContain("3 kernels in 2 groups, 2 objects, 1 file without a kernel");
  });

  it("writes the same whatever the number of workers", async () => {
    const outputs = await Promise.all(
      ["1", "3"].map((jobs) => runText(["compat", object("exec.o"), "-c", corpus, "-j", jobs, "--json"])),
    );
    expect(outputs[0]?.stdout).toBe(outputs[1]?.stdout);
    expect(outputs[0]?.code).toBe(0);
  });

  it("writes a document in which every index leads somewhere", async () => {
    const { code, report: doc } = await report([object("exec.o"), object("block_io.o"), "-c", corpus, "--programs"]);
    expect(code).toBe(0);
    expect(doc).toMatchObject({ version: 1, rules: "libbpf", filesWithoutKernels: 1, strict: null });
    expect(doc.kernels.map(({ release, flavour }) => [release, flavour])).toEqual([
      ["5.10.0-46-cloud-amd64", "cloud-amd64"],
      ["6.1.0-9-rt-amd64", "rt-amd64"],
      ["6.1.0-56-rt-amd64", "rt-amd64"],
    ]);
    expect(doc.kernels[0]?.origin).toBe(`${OLD}!5.10.0-46-cloud-amd64.btf`);
    expect(doc.columns.length).toBeGreaterThan(doc.objects.length);
    expect(doc.groups.reduce((sum, { count }) => sum + count, 0)).toBe(3);
    for (const { row } of doc.groups) expect(doc.rows[row]).toHaveLength(doc.columns.length);
    for (const index of doc.rows.flat()) expect(doc.outcomes[index]).toBeDefined();
    const findings = doc.outcomes.flatMap((outcome) => outcome.findings);
    expect(findings.length).toBeGreaterThan(0);
    for (const { place, reason } of findings) {
      expect(doc.places[place]?.path).toMatch(/\w/);
      expect(doc.reasons[reason]).toMatch(/\w/);
    }
  });

  it("fails with --strict, and with an allow-list no more", async () => {
    const args = [object("struct_ops.o"), "-c", corpus, "--strict"];
    const refused = await report(args);
    expect(refused.code).toBe(1);
    expect(refused.report.strict).toMatchObject({ refused: 3, allowed: 0, kernels: 3 });
    const some = await report([...args, "--allow", put("some", "[debian/12/*] struct_ops.o:*:*.icsk_ca_state\n")]);
    expect(some.code).toBe(1);
    expect(some.report.strict).toMatchObject({ refused: 1, allowed: 2, kernels: 1 });
    const all = await report([
      ...args,
      "--allow",
      put("all", "[6.1.*] struct_ops.o:*:*.icsk_ca_state\n[5.10.*] *:fixture_undo:*\n"),
    ]);
    expect(all.code).toBe(0);
    expect(all.report.strict).toMatchObject({ refused: 0, allowed: 3, unusedRules: [] });
  });

  it("takes with --strict what a check keeps from being reached, and not what none does", async () => {
    const strict = (name: string) => report([object(name), "-c", corpus, "--strict", "--programs"]);
    const kept = await strict("block_io.o");
    expect(kept).toMatchObject({ code: 0, report: { strict: { refused: 0 } } });
    const findings = kept.report.outcomes.flatMap((outcome) => outcome.findings);
    expect(findings.map(({ status }) => status)).toContain("guarded");
    const { report: doc, code } = await strict("guards.o");
    expect(code).toBe(1);
    const statuses = doc.columns.map(({ program }, i) => [program, doc.outcomes[doc.rows[0]?.[i] ?? -1]?.status]);
    for (const [program, status] of statuses) {
      // kept_call leaves the read to a function, and open_call both.
      const own = program === "kept_call" || program === "open_call" ? "absent" : "poisoned";
      if (program?.startsWith("open_")) expect([program, status]).toEqual([program, own]);
      else if (program !== "read_gone_too") expect([program, status]).toEqual([program, "absent"]);
      else expect(status).toBe("poisoned");
    }
    expect(statuses.length).toBeGreaterThan(20);
  });

  it("skips kernels of another architecture than the object's tag, and of another byte order", async () => {
    const { code, report: doc } = await report([
      object("exec.o"),
      ...["--object", `arm64=${object("exec.o")}`, "--object", join(root, "test/fixtures/objects-be/exec.o")],
      ...["-c", corpus],
    ]);
    expect(code).toBe(0);
    expect(doc.objects.map(({ arch }) => arch)).toEqual([null, "arm64", null]);
    for (const row of doc.rows) {
      const outcomes = row.map((index) => doc.outcomes[index]);
      expect(outcomes.map((outcome) => outcome?.status)).toEqual(["resolved", "skipped", "skipped"]);
      expect(outcomes.map((outcome) => doc.reasons[outcome?.skipped ?? -1])).toEqual([
        undefined,
        "the object is for arm64",
        "the object is big-endian, the kernel little-endian",
      ]);
    }
  });

  it("names what cannot be read, goes on, and exits 1", async () => {
    const damaged = readFileSync(join(corpus, OLD)).subarray(0, 100_000);
    const bad = put("bad/debian/11/x86_64/5.10.0-1-amd64.btf.tar.xz", damaged);
    const args = [object("exec.o"), "-c", join(directory, "bad"), "-c", join(corpus, OLD)];
    const { stdout, code } = await runText(["compat", ...args]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^debian 11 x86_64 5\.10\.0-46-cloud-amd64: 1 kernel, all resolved$/m);
    expect(stdout).toMatch(/^debian\/11\/x86_64\/5\.10\.0-1-amd64\.btf\.tar\.xz: unreadable: /m);
    const { report: doc } = await report(args);
    expect(doc.unreadable).toHaveLength(1);
    const { stdout: markdown } = await runText(["compat", ...args, "--format", "markdown"]);
    expect(markdown).toContain("⛔ `debian/11/x86_64/5.10.0-1-amd64.btf.tar.xz`: unreadable: ");
    expect(bad).toContain("bad");
  });

  it("writes for --format json what it writes for --json, and for text what it writes without", async () => {
    const args = ["compat", object("exec.o"), "-c", join(corpus, OLD)];
    for (const [format, short] of [
      ["json", ["--json"]],
      ["text", []],
    ] as const) {
      const { stdout } = await runText([...args, "--format", format]);
      expect(stdout).not.toBe("");
      expect(stdout).toBe((await runText([...args, ...short])).stdout);
    }
  });

  it("exits 1 where a loader refuses an object, whatever --strict and its rules say", async () => {
    const args = [object("sched_gcc.o"), "-c", join(corpus, OLD)];
    for (const strict of [[], ["--strict"], ["--strict", "--allow", put("everything", "*:*:*\n")]]) {
      const { code, report: doc } = await report([...args, ...strict]);
      expect(doc.totals.cellsByStatus.error).toBe(1);
      expect(code).toBe(1);
    }
  });

  it("writes a page that holds the same document", async () => {
    const page = join(directory, "page.html");
    const args = [object("exec.o"), object("block_io.o"), "-c", corpus];
    expect((await runText(["compat", ...args, "--html", page])).code).toBe(0);
    const html = readFileSync(page, "utf8");
    const data = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html)?.[1] ?? "";
    const { strict, filesWithoutKernels, ...document } = (await report(args)).report;
    expect([strict, filesWithoutKernels]).toEqual([null, 1]);
    expect(JSON.parse(data)).toEqual(document);
    expect(html).not.toMatch(/<!--|(?:src|href)="(?!data:|#)/);
  });

  it.each<[string, readonly string[], string]>([
    ["no object", ["-c", "x"], "no object given"],
    ["no corpus", ["x.o"], "needs --corpus"],
    ["--allow alone", ["x.o", "-c", "x", "--allow", "y"], "--allow needs --strict"],
    ["two formats", ["x.o", "-c", "x", "--json", "-f", "markdown"], "--json and --format markdown exclude each other"],
    ["no workers", ["x.o", "-c", "x", "-j", "0"], "--jobs"],
    ["an object that is not there", ["nowhere.o", "-c", "x"], "nowhere.o: no such file"],
    ["a corpus that is not there", [object("exec.o"), "-c", "nowhere"], "nowhere: no such file"],
    ["a file without an object", [join(root, "package.json"), "-c", "x"], "no BPF object"],
  ])("exits 2 for %s, in a line", async (_what, args, message) => {
    const { code, stderr, stdout } = await runText(["compat", ...args]);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  it("names what promises BTF in a directory, and passes over what does not", async () => {
    put("promises/6.2.0.btf.tar.xz", "");
    put("promises/README", "");
    const { report: doc, code } = await report([object("exec.o"), "-c", join(directory, "promises")]);
    expect(code).toBe(1);
    expect(doc.unreadable).toEqual([{ origin: "6.2.0.btf.tar.xz", reason: "is empty" }]);
    expect(doc.filesWithoutKernels).toBe(1);
  });

  it("calls a corpus without a kernel what it is", async () => {
    writeFileSync(join(directory, "notes.txt"), "no kernel");
    const none = await report([object("exec.o"), "-c", join(directory, "notes.txt")]);
    expect(none.code).toBe(1);
    expect(none.report.unreadable).toHaveLength(1);
  });
});
