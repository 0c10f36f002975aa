import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { TINY_DISTINCT, TINY_OBJECT, tinyKernel, writeTinyCorpus } from "../corpus/batch/tiny-corpus.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const { directory, put } = workspace();
const CORPUS = join(directory, "corpus");
const KERNELS = 24;
/** Of the name of a cache's entry; other files of a cache have shorter ones. */
const KEY_DIGITS = 64;
const SAMPLES = join(root, "corpus/samples/debian/12/x86_64");

/** Runs a batch without a cache, with one worker, whose start takes longer than its work; arguments may say otherwise. */
function batch(args: readonly string[], cache = ["--no-cache"]) {
  const jobs = args.includes("--jobs") ? [] : ["--jobs", "1"];
  return runText(["batch", ...args, "--object", TINY_OBJECT, ...cache, ...jobs], { cwd: directory });
}

async function summaryOf(args: readonly string[], cache?: string[]) {
  const { stdout, stderr, code } = await batch([...args, "--json"], cache);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  return { stderr, code, lines, summary: lines.at(-1) };
}

/** A bundle and its provenance, as bytes. */
function bundleOf(name: string): readonly Buffer[] {
  return [name, `${name}.provenance.json`].map((file) => readFileSync(join(directory, file)));
}

/** A run of CORPUS with nothing asked, which wrote `plain.tar`. */
let plain: Awaited<ReturnType<typeof summaryOf>>;

beforeAll(async () => {
  writeTinyCorpus(CORPUS, KERNELS);
  plain = await summaryOf([CORPUS, "-o", "plain.tar", "--jobs", "2"]);
});

describe("batch", () => {
  it("minimizes a corpus into one bundle, and says what became of it", () => {
    const { code, summary, lines } = plain;
    expect(code).toBe(0);
    expect(summary).toMatchObject({
      event: "summary",
      ended: "complete",
      files: { done: KERNELS, planned: KERNELS },
      kernels: { done: KERNELS, skipped: 0, failed: 0, distinct: TINY_DISTINCT, passedOver: 0 },
      relocations: { total: 2 * KERNELS, resolved: 2 * KERNELS, absent: 0, poisoned: 0, ambiguous: 0, error: 0 },
      bundle: { kernels: KERNELS, blobs: TINY_DISTINCT },
    });
    expect(summary.slowest).toHaveLength(5);
    expect(lines[0]).toMatchObject({ event: "start", files: KERNELS, shard: null });
    const files = lines.filter(({ event }) => event === "file");
    expect(files).toHaveLength(KERNELS);
    expect(files[0].kernels[0]).toMatchObject({ state: "done", reason: null, unresolved: { poisoned: 0 } });
    expect(readdirSync(directory).filter((name) => name.startsWith("plain"))).toEqual([
      "plain.tar",
      "plain.tar.provenance.json",
    ]);
  });

  it("says which files the kernels are from, by the hash that b2sum prints", () => {
    const [first] = JSON.parse(String(bundleOf("plain.tar")[1])).kernels;
    const bytes = readFileSync(join(CORPUS, first.source.name));
    expect(first.source.blake2b).toBe(createHash("blake2b512").update(bytes).digest("hex"));
  });

  it.each([
    ["tar", ["1", "2", "5"]],
    ["tar.gz", ["1", "5"]],
    ["tar.xz", ["1", "5"]],
  ])("writes the same .%s with any number of workers, on any run", async (suffix, workers) => {
    const names = await Promise.all(
      workers.map(async (jobs) => {
        const name = `jobs-${jobs}.${suffix}`;
        expect((await batch([CORPUS, "-o", name, "--jobs", jobs])).code).toBe(0);
        return name;
      }),
    );
    const [first, ...others] = names.map(bundleOf);
    for (const other of others) expect(other).toEqual(first);
  });

  it("joins shards to what one run gives, byte for byte", async () => {
    for (const shard of ["1", "2", "3"]) {
      expect((await batch([CORPUS, "-o", `part${shard}.tar`, "--shard", `${shard}/3`])).code).toBe(0);
    }
    const parts = ["part3.tar", "part1.tar", "part2.tar"];
    const merged = await runText(["bundle", "merge", ...parts, "-o", "merged.tar"], { cwd: directory });
    expect(merged.code).toBe(0);
    expect(bundleOf("merged.tar")).toEqual(bundleOf("plain.tar"));
  });

  it("joins shards without kernels as well, and misses those that are not there", async () => {
    const few = join(directory, "few");
    writeTinyCorpus(few, 2);
    for (const shard of [1, 2, 3]) {
      expect((await batch([few, "-o", `few${shard}`, "--shard", `${shard}/3`])).code).toBe(0);
    }
    expect((await batch([few, "-o", "few.tar"])).code).toBe(0);
    const merge = (...args: string[]) => runText(["bundle", "merge", ...args], { cwd: directory });
    expect((await merge("few1", "few2", "few3", "-o", "few-merged.tar")).code).toBe(0);
    expect(bundleOf("few-merged.tar")).toEqual(bundleOf("few.tar"));
    expect((await runText(["bundle", "verify", "few3"], { cwd: directory })).code).toBe(0);

    const short = await merge("few3", "few1", "-o", "short.tar");
    const missing = /^btfgen: shard 2 of 3 is missing of the corpus [0-9a-f]{16}\n/;
    expect(short.code).toBe(1);
    expect(short.stderr).toMatch(missing);
    expect(existsSync(join(directory, "short.tar"))).toBe(false);
    const partial = await merge("few3", "few1", "--partial", "-o", "short.tar");
    expect(partial.code).toBe(0);
    expect(partial.stderr).toMatch(missing);
    expect((await merge("short.tar", "few2", "-o", "late.tar")).code).toBe(0);
    expect(bundleOf("late.tar")).toEqual(bundleOf("few.tar"));
  });

  it("does not take shards of another corpus for those that are missing", async () => {
    writeTinyCorpus(join(directory, "one"), 3);
    writeTinyCorpus(join(directory, "more"), 4);
    await batch(["one", "-o", "one1.tar", "--shard", "1/2"]);
    await batch(["more", "-o", "more2.tar", "--shard", "2/2"]);
    const { code, stderr } = await runText(["bundle", "merge", "one1.tar", "more2.tar", "-o", "z.tar"], {
      cwd: directory,
    });
    expect(code).toBe(1);
    expect(stderr.match(/shard [12] of 2 is missing/g)?.sort()).toEqual([
      "shard 1 of 2 is missing",
      "shard 2 of 2 is missing",
    ]);
  });

  it("does not depend on where the corpus is", async () => {
    cpSync(CORPUS, join(directory, "elsewhere", "copy"), { recursive: true });
    expect((await batch([join(directory, "elsewhere/copy/"), "-o", "there.tar"])).code).toBe(0);
    expect(bundleOf("there.tar")).toEqual(bundleOf("plain.tar"));
  });

  it("reads archives, and gives what minimize gives", async () => {
    expect((await batch([SAMPLES, "-o", "samples"])).code).toBe(0);
    const release = "6.1.0-56-cloud-amd64";
    const alone = join(directory, "alone.btf");
    await runText(["minimize", join(SAMPLES, `${release}.btf.tar.xz`), TINY_OBJECT, "-o", alone]);
    const inBundle = readFileSync(join(directory, "samples/debian/12/x86_64", `${release}.btf`));
    expect(inBundle).toEqual(readFileSync(alone));
  });

  it("is told how paths name kernels where they are not BTFHub's", async () => {
    const names = ["common-android12-5.10/a12-5.10-2021-09-arm64.btf", "common-android13-5.10/a13-5.10-lts-arm64.btf"];
    names.forEach((name, i) => {
      put(`phones/${name}`, tinyKernel(8 * i));
    });
    const untold = await batch(["phones", "-o", "phones.tar"], ["--cache", "told"]);
    expect(untold.code).toBe(1);
    expect(untold.stderr).toContain("its kernel release is not known; --paths says how paths tell it");
    const paths = ["--paths", "common-{version_id}/{release}-{arch}", "--id", "android"];
    // What was kept without the pattern is not taken for what it gives.
    const told = await batch(["phones", "-o", "told.tar", ...paths], ["--cache", "told"]);
    expect(told).toMatchObject({ code: 0, stderr: expect.not.stringContaining("failed") });
    const { stdout } = await runText(["bundle", "list", "told.tar"], { cwd: directory });
    expect(stdout).toContain("android/android12-5.10/arm64/a12-5.10-2021-09");
    expect(stdout).toContain("android/android13-5.10/arm64/a13-5.10-lts");
    expect(JSON.parse(String(bundleOf("told.tar")[1])).options).toMatchObject({ paths: paths[1], id: "android" });
    const compat = await runText(["compat", TINY_OBJECT, "--corpus", "phones", "--json", ...paths], { cwd: directory });
    expect(compat.stdout).toContain('"a13-5.10-lts"');
    const extract = await runText(["extract", "phones", "-o", "unpacked", "--layout", "btfhub", ...paths], {
      cwd: directory,
    });
    expect(extract.stdout).toContain("android/android12-5.10/arm64/a12-5.10-2021-09.btf.tar.xz");
    const wrong = await batch(["phones", "-o", "wrong.tar", "--paths", "{version}/{release}"]);
    expect(wrong).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--paths {version}/{release}: {version} is none"),
    });
  });

  it("writes a store", async () => {
    expect((await batch([CORPUS, "-o", "store", "--layout", "store"])).code).toBe(0);
    expect(readdirSync(join(directory, "store", "btf"))).toHaveLength(TINY_DISTINCT);
  });
});

describe("batch --plan", () => {
  it("lists files and objects, and does nothing", async () => {
    const { stdout, code } = await batch([CORPUS, "--plan", "--json", "--shard", "2/3", "-o", "never"]);
    expect(code).toBe(0);
    const plan = JSON.parse(stdout);
    expect(plan).toMatchObject({ shard: "2/3", corpus: { files: KERNELS }, problems: [] });
    expect(plan.jobs).toHaveLength(KERNELS / 3);
    expect(plan.objects).toMatchObject([{ name: TINY_OBJECT, byteOrder: "little", arches: null, relocations: 2 }]);
    expect(readdirSync(directory)).not.toContain("never");
    expect(readdirSync(directory)).not.toContain("never.state");
  });

  it("is the same as text", async () => {
    const { stdout } = await batch([CORPUS, "--plan"]);
    expect(stdout.split("\n")[1]).toMatch(/^debian\/10\/arm64\/6\.1\.00003\.btf +\d+$/);
    expect(stdout).toMatch(/24 files, [\d,]+ bytes; corpus [0-9a-f]{16}\n$/);
  });
});

describe("objects for some kernels only", () => {
  it("skips and counts kernels of another architecture", async () => {
    const { summary, code } = await summaryOf([CORPUS, "-o", "tagged.tar", "--object", `arm64=${TINY_OBJECT}`]);
    expect(code).toBe(0);
    // The other object is for all: it is left out of none.
    expect(summary).toMatchObject({ kernels: { done: KERNELS, skipped: 0 }, objectsSkipped: KERNELS / 2 });
  });

  it("leaves out kernels that no object is for", async () => {
    const { stdout, code } = await runText(
      ["batch", CORPUS, "-o", "arm.tar", "--object", `arm64=${TINY_OBJECT}`, "--no-cache", "--json"],
      { cwd: directory },
    );
    const summary = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
    expect(code).toBe(0);
    expect(summary.kernels).toMatchObject({ done: KERNELS / 2, skipped: KERNELS / 2 });
    expect(summary.skipped[0].reason).toBe("no object is for x86_64, little-endian");
  });

  it("leaves out kernels of another byte order", async () => {
    const tree = "big/debian/13/s390x";
    put(`${tree}/6.12.0.btf`, tinyKernel(0, false));
    const { summary } = await summaryOf([join(directory, "big"), "-o", "big.tar"]);
    expect(summary.skipped).toMatchObject([{ reason: "no object is for s390x, big-endian" }]);
  });
});

describe("what is wrong with a corpus", () => {
  it("is named, left out, and no reason to stop", async () => {
    const bad = join(directory, "bad");
    writeTinyCorpus(bad, 4);
    const archive = readFileSync(join(SAMPLES, "6.1.0-56-cloud-amd64.btf.tar.xz"));
    const tree = join(bad, "debian/12/x86_64");
    writeFileSync(join(tree, "torn.btf.tar.xz"), archive.subarray(0, archive.length / 2));
    writeFileSync(join(tree, "6.2.0-torn.btf"), tinyKernel(0).subarray(0, 60));
    writeFileSync(join(tree, "6.3.0-empty.btf.tar.xz"), "");
    writeFileSync(join(tree, "README"), "no kernel");
    symlinkSync("nowhere", join(tree, "6.4.0-dangling.btf"));
    symlinkSync(bad, join(tree, "loop"));
    symlinkSync("self.btf", join(tree, "self.btf"));
    const { summary, code, stderr } = await summaryOf([bad, "-o", "bad.tar"]);
    expect(code).toBe(1);
    expect(summary.kernels).toMatchObject({ done: 4, failed: 5, passedOver: 1 });
    const failed = summary.failed.map(({ origin }: { origin: string }) => origin.replace(/.*\//, ""));
    expect(failed.sort()).toEqual([
      "6.2.0-torn.btf",
      "6.3.0-empty.btf.tar.xz",
      "6.4.0-dangling.btf",
      "self.btf",
      "torn.btf.tar.xz",
    ]);
    expect(summary.bundle.kernels).toBe(4);
    expect(stderr).not.toContain("internal error");
  });

  it("is two kernels of one name with different BTF", async () => {
    const twice = join(directory, "twice");
    for (const [where, shift] of [
      ["a", 0],
      ["b", 8],
    ] as const) {
      mkdirSync(join(twice, where, "debian/12/x86_64"), { recursive: true });
      writeFileSync(join(twice, where, "debian/12/x86_64/6.1.0.btf"), tinyKernel(shift));
      writeFileSync(join(twice, where, "debian/12/x86_64/6.2.0.btf"), tinyKernel(0));
    }
    const { summary, code } = await summaryOf([twice, "-o", "twice.tar"]);
    expect(code).toBe(1);
    expect(summary.failed).toMatchObject([{ origin: "debian/12/x86_64/6.1.0" }]);
    expect(summary.failed[0].reason).toContain("a/debian/12/x86_64/6.1.0.btf and b/debian/12/x86_64/6.1.0.btf");
    expect(summary.bundle.kernels).toBe(1);
  });

  it("is not a bundle that lies in it, its own of last time included", async () => {
    const mixed = join(directory, "mixed");
    writeTinyCorpus(mixed, 4);
    const first = await summaryOf([mixed, "-o", join(mixed, "out")]);
    expect(first).toMatchObject({ code: 0, stderr: "" });
    const second = await summaryOf([mixed, "-o", join(mixed, "out")]);
    expect(second).toMatchObject({ code: 0, summary: { kernels: { done: 4, failed: 0, passedOver: 1 } } });
    expect(second.stderr).toBe(
      `btfgen: passed over ${mixed}/out: a bundle of small BTF, as its provenance beside it says\n`,
    );
    expect(second.summary.plan).toBe(first.summary.plan);
    const { stdout, stderr } = await batch([mixed, "-o", "x.tar", "--plan", "--json"]);
    expect(JSON.parse(stdout).passedOver).toEqual([
      { file: `${mixed}/out`, reason: expect.stringMatching(/^a bundle/) },
    ]);
    expect(stderr).toContain("passed over");
    const named = await summaryOf([join(mixed, "out"), "-o", "named.tar"]);
    expect(named).toMatchObject({ code: 0, summary: { kernels: { done: 4, passedOver: 0 } } });
  });

  it("is nothing but bundles", async () => {
    mkdirSync(join(directory, "shipped"));
    await batch([CORPUS, "-o", "shipped/btfs.tar"]);
    const { code, stderr } = await batch(["shipped", "-o", "y.tar"]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: "btfgen: shipped: nothing but bundles of small BTF is in the corpus; one that is named itself is read\n",
    });
  });

  it("is not replaced", async () => {
    const tree = join(directory, "precious");
    const [name = ""] = writeTinyCorpus(tree, 2);
    writeFileSync(join(tree, "debian.tar"), "of somebody else");
    const inside = `an input is in it, ${join(tree, name)}`;
    const before = readdirSync(tree, { recursive: true });
    for (const [output, why] of [
      [tree, inside],
      [join(tree, "debian"), inside],
      [join(tree, "debian.tar"), "it is an input"],
    ] as const) {
      const { code, stderr } = await batch([tree, "-o", output]);
      expect({ code, stderr }).toEqual({ code: 2, stderr: `btfgen: cannot write ${output}: ${why}\n` });
    }
    expect(readdirSync(tree, { recursive: true })).toEqual(before);
    expect(readFileSync(join(tree, name))).toEqual(Buffer.from(tinyKernel(0)));
  });

  it("is a kernel whose name is not known", async () => {
    const { summary, code } = await summaryOf([put("unknown.btf", tinyKernel(0)), "-o", "unknown.tar"]);
    expect(code).toBe(1);
    expect(summary.failed).toHaveLength(1);
    expect(summary.failed[0].reason).toMatch(/is not known/);
    expect(summary.bundle).toBeNull();
  });

  it("is damaged altogether: a good bundle is not replaced by one without kernels", async () => {
    const kernel = put("rotten/debian/12/x86_64/6.1.0.btf", tinyKernel(0));
    expect((await batch(["rotten", "-o", "fresh.tar"])).code).toBe(0);
    const good = bundleOf("fresh.tar");
    writeFileSync(kernel, tinyKernel(0).subarray(0, 50));
    const { code, stderr, stdout } = await batch(["rotten", "-o", "fresh.tar"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/no kernel is left: no bundle is written\n$/);
    expect(stdout).not.toContain("written");
    expect(bundleOf("fresh.tar")).toEqual(good);
  });

  it("stops the run with --fail-fast, and the state is there to go on", async () => {
    const bad = join(directory, "fail-fast");
    writeTinyCorpus(bad, 6);
    const wrong = join(bad, "debian/10/arm64/6.0.btf");
    writeFileSync(wrong, "");
    const { stderr, code } = await batch([bad, "-o", "ff.tar", "--fail-fast", "--jobs", "1"]);
    expect(code).toBe(1);
    expect(stderr).toContain("--resume goes on");
    expect(existsSync(join(directory, "ff.tar"))).toBe(false);
    rmSync(wrong);
    expect((await batch([bad, "-o", "ff.tar", "--resume"])).code).toBe(0);
    expect(existsSync(join(directory, "ff.tar.state"))).toBe(false);
    expect((await batch([bad, "-o", "again.tar"])).code).toBe(0);
    expect(bundleOf("ff.tar")).toEqual(bundleOf("again.tar"));
  });
});

describe("the cache", () => {
  it("gives what is unchanged, and works around damage", async () => {
    const cache = ["--cache", "cache"];
    const origins = (lines: readonly { event: string; from?: string }[]) =>
      lines.flatMap(({ event, from }) => (event === "file" ? [from] : []));
    const first = await summaryOf([CORPUS, "-o", "c1.tar"], cache);
    expect(new Set(origins(first.lines))).toEqual(new Set(["work"]));
    const second = await summaryOf([CORPUS, "-o", "c2.tar"], cache);
    expect(new Set(origins(second.lines))).toEqual(new Set(["cache"]));
    const entries = readdirSync(join(directory, "cache"), { recursive: true, withFileTypes: true });
    const [entry] = entries.filter((one) => one.isFile() && one.name.length === KEY_DIGITS);
    writeFileSync(join(entry?.parentPath ?? "", entry?.name ?? ""), "junk");
    const third = await summaryOf([CORPUS, "-o", "c3.tar"], cache);
    expect(origins(third.lines).filter((from) => from === "work")).toHaveLength(1);
    expect(bundleOf("c2.tar")).toEqual(bundleOf("c1.tar"));
    expect(bundleOf("c3.tar")).toEqual(bundleOf("c1.tar"));
  });

  it("does not give results of other options", async () => {
    const cache = ["--cache", "cache-options"];
    await batch([CORPUS, "-o", "o1.tar"], cache);
    const { lines } = await summaryOf([CORPUS, "-o", "o2.tar", "--keep-names"], cache);
    expect(lines.filter(({ from }) => from === "cache")).toEqual([]);
  });

  it("can be shared by two runs at once", async () => {
    const cache = ["--cache", "cache-shared"];
    const runs = await Promise.all(["s1.tar", "s2.tar"].map((name) => batch([CORPUS, "-o", name], cache)));
    expect(runs.map(({ code }) => code)).toEqual([0, 0]);
    expect(bundleOf("s2.tar")).toEqual(bundleOf("s1.tar"));
    const names = readdirSync(join(directory, "cache-shared"), { recursive: true }).map(String);
    expect(names.filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});

describe("whose rules a bundle serves", () => {
  it.each([
    [[], ["libbpf", "kernel"]],
    [
      ["--naming", "bcc"],
      ["libbpf", "kernel"],
    ],
    [
      ["--naming", "inspektor-gadget"],
      ["libbpf", "kernel", "cilium"],
    ],
    [["--naming", "inspektor-gadget", "--loader", "libbpf"], ["libbpf"]],
  ])("%j: %j", async (args, loaders) => {
    const { code } = await batch([CORPUS, "-o", "served.tar", ...args]);
    expect(code).toBe(0);
    const [, provenance] = bundleOf("served.tar");
    expect(JSON.parse(String(provenance)).options.loaders).toEqual(loaders);
  });
});

describe("wrong command lines", () => {
  it.each([
    [["corpus"], "batch needs --output BUNDLE"],
    [["corpus", "-o", "-"], "a bundle cannot go to standard output"],
    [["corpus", "-o", "."], "cannot write .: a bundle needs a name of its own"],
    [["corpus", "-o", "x", "--shard", "4/3"], "--shard 4/3: should be I/N"],
    [["corpus", "-o", "x", "--jobs", "0"], "--jobs: 0 is not a count"],
    [["corpus", "-o", "x", "--timeout", "-1"], "--timeout: -1 is not more than 0"],
    [["corpus", "-o", "x", "--flatten"], "--flatten needs --modules"],
    [["corpus", "-o", "x", "--allow", "y"], "--allow needs --strict"],
    [["corpus", "-o", "x", "--layout", "store", "--naming", "bcc"], "a store has names of its own"],
    [["corpus", "-o", "x", "--resume"], "nothing to resume"],
    [["corpus", "-o", "x", "--queue", "queue.internal:6379"], "--queue queue.internal:6379: should be a URL of Redis"],
    [["empty", "-o", "x"], "no file is in the corpus"],
    [["corpus", "nowhere", "-o", "x"], "nowhere: no such file or directory"],
  ])("%j", async (args, message) => {
    mkdirSync(join(directory, "empty"), { recursive: true });
    const { code, stderr } = await batch(args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });

  it("a cache that is a file", async () => {
    const { code, stderr } = await batch([CORPUS, "-o", "x"], ["--cache", "/dev/null"]);
    expect([code, stderr]).toEqual([2, "btfgen: --cache: /dev/null is not a directory\n"]);
  });

  it("a worker of a queue that is no URL of Redis", async () => {
    const { code, stderr } = await runText(["worker", "--queue", "http://queue.internal"], { cwd: directory });
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining("--queue http://queue.internal: should be a URL of Redis"),
    ]);
  });

  it("--cache and --no-cache together", async () => {
    const { code, stderr } = await batch([CORPUS, "-o", "x", "--cache", "a"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("exclude each other")]);
  });
});
