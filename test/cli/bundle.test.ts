import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeBundle } from "../../corpus/bundle/write.ts";
import { ENTRIES, entry, joined, provenanceOf, STORE, TREE, tarOf } from "../corpus/bundle/kit.ts";
import { runText } from "./run.ts";
import { tar, workspace } from "./workspace.ts";

const { directory, put } = workspace();
const path = (name: string) => join(directory, name);
/** A fresh path with a bundle and its provenance. */
const make = async (name: string, entries = ENTRIES, shape = TREE) =>
  (await writeBundle(path(name), joined(entries), shape, provenanceOf(entries))).path;

/** Everything below a directory that a merge could have left there. */
const beside = (name: string) => readdirSync(path(name)).sort();

describe("bundle list", () => {
  it("has a line for each kernel", async () => {
    const { stdout, stderr, code } = await runText(["bundle", "list", await make("list.tar.gz")]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatchInlineSnapshot(`
      "KERNEL                                  BYTES  SHA-256
      centos/7/x86_64/3.10.0-1160.el7.x86_64     43  7fb431eb24fe
      debian/12/x86_64/6.1.0-47-amd64            43  240617a1c134
      debian/12/x86_64/6.1.0-56-amd64            43  240617a1c134
      debian/12/x86_64/6.1.0-56-cloud-amd64      43  4eb9b05fcac9
      debian/13/arm64/6.12.107+deb13-arm64       43  c6e9cf3669fb
      fedora/38/x86_64/6.2.9-300.fc38.x86_64     43  5175e7275b95
      ubuntu/22.04/arm64/5.15.0-1049-aws         43  c6e9cf3669fb
      "
    `);
  });

  it("reads standard input, and writes JSON", async () => {
    const input = await tarOf(joined(), STORE);
    const { stdout, code } = await runText(["bundle", "list", "-", "--json"], { stdin: input });
    expect(code).toBe(0);
    const { kernels } = JSON.parse(stdout);
    expect(kernels).toHaveLength(7);
    const [first] = joined();
    expect(kernels[0]).toEqual({
      id: "centos",
      versionId: "7",
      arch: "x86_64",
      release: "3.10.0-1160.el7.x86_64",
      file: `btf/${first?.blobHash}.btf`,
      bytes: first?.bytes.length,
      sha256: first?.blobHash,
    });
  });
});

describe("bundle show", () => {
  it("says what a store is, and what it was made of", async () => {
    const { stdout, code } = await runText(["bundle", "show", await make("show.tar", ENTRIES, STORE)], {
      cwd: directory,
    });
    expect(code).toBe(0);
    expect(stdout.replaceAll(directory, "DIR")).toMatchInlineSnapshot(`
      "bundle   DIR/show.tar (tar)
      layout   store
      kernels  7, with 5 distinct blobs of 215 bytes
      index    666 bytes
      tar      SHA-256 a1f768bc88ea8e91d7e86227419db23c17de3d71157f840b73c531dd3670dc82
               centos x86_64: 1
               debian x86_64: 3
               debian arm64: 1
               fedora x86_64: 1
               ubuntu arm64: 1
      made by  btfgen 1.2.3
      objects  exec.o
      "
    `);
  });

  it("says the same in JSON for a directory", async () => {
    const { stdout } = await runText(["bundle", "show", await make("show-dir"), "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      layout: "tree",
      namings: ["btfhub"],
      container: "directory",
      tarSha256: null,
      kernels: 7,
      blobs: 5,
      indexBytes: 0,
      tool: "btfgen 1.2.3",
      objects: ["exec.o"],
    });
  });
});

it("names the digest of the tar the same wherever it is told", async () => {
  const [one, two] = [await make("digest.tar"), path("digest2.tar")];
  const merged = JSON.parse((await runText(["bundle", "merge", one, "-o", two, "--json"])).stdout);
  const shown = JSON.parse((await runText(["bundle", "show", two, "--json"])).stdout);
  const digest = createHash("sha256").update(readFileSync(two)).digest("hex");
  expect([merged.output.tarSha256, shown.tarSha256]).toEqual([digest, digest]);
});

describe("bundle verify", () => {
  it("finds nothing in what was just written", async () => {
    const bundles = [await make("fine.tar.xz"), await make("fine", ENTRIES, STORE)];
    const { stdout, stderr, code } = await runText(["bundle", "verify", ...bundles]);
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toBe(bundles.map((one) => `btfgen: ${one}: 7 kernels, 5 blobs, 0 findings\n`).join(""));
  });

  it("exits 1 for a blob that was changed", async () => {
    const bundle = await make("changed", [entry("d/1/x86_64/6.1", "a")]);
    writeFileSync(join(bundle, "d/1/x86_64/6.1.btf"), "no BTF");
    const { stdout, code } = await runText(["bundle", "verify", bundle]);
    expect(code).toBe(1);
    expect(stdout).toContain(`${bundle}: d/1/x86_64/6.1: `);
    expect(stdout).toContain(`${bundle}: d/1/x86_64/6.1: the provenance is of other bytes\n`);
  });

  it.each([
    ["a file that is none", () => put("none.tar", "hello"), "none.tar: is no bundle: not a directory, nor a tar"],
    [
      "a larger one",
      () => put("none.tar", "hello\n".repeat(999)),
      "none.tar: is no bundle: not a directory, nor a tar",
    ],
    ["an empty one", () => put("none.tar", ""), "none.tar: is empty"],
    ["what has no end", () => "/dev/zero", "/dev/zero: goes on after 1073741824 bytes"],
    [
      "a name that leads out",
      async () => put("out.tar", await tar({ "../x.btf": new Uint8Array(1) })),
      '"../x.btf" is no name',
    ],
    ["a missing file", () => path("missing.tar"), "missing.tar: no such file or directory"],
    [
      "wrong provenance",
      async () => {
        put("p.tar.provenance.json", "{");
        return put("p.tar", await tarOf(joined(), TREE));
      },
      "not JSON",
    ],
  ])("exits 2 with one line for %s", async (_, given, reason) => {
    const { stdout, stderr, code } = await runText(["bundle", "verify", await given()]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toContain(reason);
  });
});

describe("bundle merge", () => {
  it.each(["merged.tar", "merged.tar.xz", "merged"])("writes %s as if there had been no shards", async (name) => {
    const parts = [await make("m1.tar", ENTRIES.slice(0, 4)), await make("m2", ENTRIES.slice(3))];
    const { stderr, code } = await runText(["bundle", "merge", ...parts, "-o", path(name)]);
    expect(code).toBe(0);
    expect(stderr).toContain("7 kernels, 5 blobs");
    const whole = await make(`whole-${name}`);
    if (name !== "merged") expect(readFileSync(path(name)).equals(readFileSync(whole))).toBe(true);
    expect(readFileSync(`${path(name)}.provenance.json`)).toEqual(readFileSync(`${whole}.provenance.json`));
    expect((await runText(["bundle", "verify", path(name)])).code).toBe(0);
  });

  it("exits 1 and writes nothing where two have a kernel with different BTF", async () => {
    const parts = [
      await make("c1.tar", [entry("d/1/x86_64/6.1", "a")]),
      await make("c2.tar", [entry("d/1/x86_64/6.1", "b")]),
    ];
    mkdirSync(path("conflict"));
    const out = path("conflict/out.tar");
    const { stderr, code } = await runText(["bundle", "merge", ...parts, "-o", out]);
    expect(code).toBe(1);
    expect(stderr).toContain(`d/1/x86_64/6.1 is not the same in ${parts[0]}:d/1/x86_64/6.1.btf and ${parts[1]}:`);
    expect(stderr).toContain("nothing is written: 1 conflict, 0 problems");
    expect(beside("conflict")).toEqual([]);
  });

  it.each(["into.tar", "into"])("does not replace a part, %s", async (name) => {
    const parts = [await make(name, ENTRIES.slice(0, 4)), await make(`of-${name}`, ENTRIES.slice(3))];
    symlinkSync(path(name), path(`link-${name}`));
    const hash = () => JSON.stringify(readdirSync(directory, { recursive: true }).sort());
    const before = hash();
    for (const out of [path(name), path(`link-${name}`)]) {
      const { stderr, code } = await runText(["bundle", "merge", ...parts, "-o", out]);
      expect({ code, stderr }).toEqual({ code: 2, stderr: `btfgen: cannot write ${out}: it is an input\n` });
    }
    expect(hash()).toBe(before);
  });

  it("follows a link to what it replaces", async () => {
    const old = await make("real", ENTRIES.slice(0, 2));
    symlinkSync(old, path("current"));
    const { code } = await runText(["bundle", "merge", await make("news.tar"), "-o", path("current")]);
    expect(code).toBe(0);
    expect(lstatSync(path("current")).isSymbolicLink()).toBe(true);
    const { stdout } = await runText(["bundle", "list", path("current")]);
    expect(stdout.trim().split("\n")).toHaveLength(1 + ENTRIES.length);
  });

  it("exits 1 and writes nothing where a kernel has no name that the consumer could look up", async () => {
    const part = await make("long.tar", [entry(`d/1/x86_64/${"r".repeat(99)}`, "a")]);
    mkdirSync(path("long"));
    const { stderr, code } = await runText(["bundle", "merge", part, "--naming", "bcc", "-o", path("long/out.tar")]);
    expect(code).toBe(1);
    expect(stderr).toContain("has more than the 99 bytes that bcc can look up");
    expect(beside("long")).toEqual([]);
  });

  it("does not replace a directory that is no bundle", async () => {
    put("precious/notes.txt", "x");
    const { stderr, code } = await runText(["bundle", "merge", await make("m3.tar"), "-o", path("precious")]);
    expect(code).toBe(2);
    expect(stderr).toContain("is a directory with other files in it (notes.txt): it is not replaced");
    expect(beside("precious")).toEqual(["notes.txt"]);
  });

  it.each([
    [["bundle", "merge", "a.tar"], "bundle merge needs --output OUT"],
    [["bundle", "merge", "a.tar", "-o", "-"], "a bundle cannot go to standard output"],
    [["bundle", "merge", "a.tar", "-o", "."], "cannot write .: a bundle needs a name of its own"],
    [["bundle", "merge", "a.tar", "-o", "a/../"], "cannot write a/../: a bundle needs a name of its own"],
    [["bundle", "merge", "a.tar", "-o", "b.zip"], "cannot write b.zip: a bundle is a directory, or .tar, .tar.gz,"],
    [["bundle", "merge", "a.tar", "-o", "b.tar.bz2"], "cannot write b.tar.bz2: a bundle is a directory, or .tar,"],
    [["bundle", "list", "a.tar", "-o", "x"], "bundle list takes neither --output nor --naming"],
    [["bundle", "list", "a.tar", "b.tar"], "bundle list takes one bundle"],
    [["bundle", "lift", "a.tar"], "lift is not an action"],
    [["bundle", "show"], "missing <bundles>"],
  ])("%j exits 2", async (args, message) => {
    const { stderr, code } = await runText(args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
