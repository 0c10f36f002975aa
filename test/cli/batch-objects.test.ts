import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../corpus/bundle/bundle.ts";
import { RELO_TYPE_ID_TARGET } from "../../lib/core/relo-kind.ts";
import { btf, int, m, struct } from "../btf/builder.ts";
import { EXIT, LDX_W, MOV_K, objectBytes } from "../core/object-builder.ts";
import { TINY_DISTINCT, TINY_OBJECT, writeTinyCorpus } from "../corpus/batch/tiny-corpus.ts";
import { runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const { directory, put } = workspace();
const CORPUS = join(directory, "corpus");
const KERNELS = 12;
const cwd = { cwd: directory };
const ROWS = [struct("s", 8, [m("x", 2, 0), m("y", 2, 32)]), int("int", 4, 32, 1)];

/** A run, without a cache, with its summary. */
async function emit(...args: string[]) {
  const run = await runText(["batch", ...args, "--emit", "objects", "--no-cache", "--json"], cwd);
  return { code: run.code, stderr: run.stderr, summary: JSON.parse(run.stdout.trim().split("\n").at(-1) ?? "null") };
}

beforeAll(() => {
  writeTinyCorpus(CORPUS, KERNELS);
});

describe("batch --emit objects", () => {
  it("writes each different object once, under an index that selection reads", async () => {
    const { code, summary } = await emit(CORPUS, "--object", TINY_OBJECT, "-o", "out");
    expect(code).toBe(0);
    const [one] = summary.emitted.objects;
    const files = readdirSync(join(directory, "out/object"));
    expect(one).toMatchObject({ kernels: KERNELS, distinct: files.length, leftOut: [], needs: [] });
    expect(files.length).toBeGreaterThan(1);
    expect(files.length).toBeLessThanOrEqual(TINY_DISTINCT);
    const size = readFileSync(TINY_OBJECT).length;
    expect(summary.emitted.bytes).toEqual({ objects: files.length * size, withBtf: size + summary.bytes.distinct });
    const index = JSON.parse(readFileSync(join(directory, "out/index.json"), "utf8"));
    expect(index).toMatchObject({ version: 1, content: "object" });
    expect(index.blobs.map((hash: string) => `${hash}.o`)).toEqual(files.sort());
  });

  it("writes where all of it comes from beside the bundle", async () => {
    await emit(CORPUS, "--object", TINY_OBJECT, "-o", "known.tar");
    const provenance = JSON.parse(readFileSync(join(directory, "known.tar.provenance.json"), "utf8"));
    expect(provenance).toMatchObject({
      version: 1,
      options: { emit: "objects" },
      objects: [{ name: TINY_OBJECT, sha256: sha256(readFileSync(TINY_OBJECT)), arch: null }],
    });
    expect(provenance.kernels).toHaveLength(KERNELS);
    for (const { source, blob, bytes, counts } of provenance.kernels) {
      const full = readFileSync(join(CORPUS, source.name));
      expect(source.blake2b).toBe(createHash("blake2b512").update(full).digest("hex"));
      writeFileSync(join(directory, "full.btf"), full);
      const line = ["relocate", TINY_OBJECT, "-t", "full.btf", "-o", "one.o", "--json"];
      const [report] = JSON.parse((await runText(line, cwd)).stdout).objects;
      const object = readFileSync(join(directory, "one.o"));
      expect({ blob, bytes }).toEqual({ blob: sha256(object), bytes: object.length });
      const { relocations, changedInstructions } = report;
      const { applied, skipped } = relocations;
      expect(counts).toEqual({ applied, changedInstructions, poisoned: report.poisoned.length, skipped });
    }
  }, 60_000);

  it("writes bundles that list, show, verify and select read", async () => {
    await emit(CORPUS, "--object", TINY_OBJECT, "-o", "read.tar");
    const run = async (...line: string[]) => {
      const { code, stdout } = await runText([...line, "--json"], cwd);
      return { code, json: JSON.parse(stdout) };
    };
    const list = await run("bundle", "list", "read.tar");
    expect(list.json.kernels).toHaveLength(KERNELS);
    const [{ id, versionId, arch, release, file, sha256: hash }] = list.json.kernels;
    expect(file).toBe(`object/${hash}.o`);
    const show = await run("bundle", "show", "read.tar");
    expect(show.json).toMatchObject({ layout: "store", content: "object", kernels: KERNELS, objects: [TINY_OBJECT] });
    expect((await runText(["bundle", "show", "read.tar"], cwd)).stdout).toContain("store, of relocated objects");
    const verify = await run("bundle", "verify", "read.tar");
    expect(verify.json.bundles).toMatchObject([
      { findings: [], kernels: KERNELS, reproducible: true, provenance: true },
    ]);
    const name = ["--id", id, "--version-id", versionId, "--arch", arch, "--release", release];
    const select = await run("select", "read.tar", ...name, "-o", "chosen.o");
    expect(select).toMatchObject({ code: 0, json: { outcome: "exact", file, sha256: hash } });
    expect(sha256(readFileSync(join(directory, "chosen.o")))).toBe(hash);
  });

  it("has verify find an object that the provenance does not speak of", async () => {
    await emit(CORPUS, "--object", TINY_OBJECT, "-o", "other.tar");
    const path = join(directory, "other.tar.provenance.json");
    const provenance = JSON.parse(readFileSync(path, "utf8"));
    provenance.kernels[0].blob = provenance.kernels[0].blob.replace(/^./, (digit: string) =>
      digit === "0" ? "1" : "0",
    );
    writeFileSync(path, JSON.stringify(provenance));
    const { code, stdout } = await runText(["bundle", "verify", "other.tar"], cwd);
    expect(code).toBe(1);
    expect(stdout).toContain("the provenance is of other bytes");
  });

  it("gives every kernel what relocating against its own BTF gives", async () => {
    await emit(CORPUS, "--object", TINY_OBJECT, "-o", "same");
    const index = JSON.parse(readFileSync(join(directory, "same/index.json"), "utf8"));
    let compared = 0;
    for (const [id, versions] of Object.entries(index.kernels as Record<string, Record<string, object>>)) {
      for (const [version, arches] of Object.entries(versions)) {
        for (const [arch, releases] of Object.entries(arches as Record<string, Record<string, number>>)) {
          for (const release of Object.keys(releases)) {
            const name = ["--id", id, "--version-id", version, "--arch", arch, "--release", release];
            expect((await runText(["select", "same", ...name, "-o", "selected.o"], cwd)).code).toBe(0);
            const source = join(CORPUS, id, version, arch);
            const file = readdirSync(source).find((entry) => entry.startsWith(`${release}.btf`)) ?? "";
            const line = ["relocate", TINY_OBJECT, "-t", join(source, file), "-o", "relocated.o"];
            expect((await runText(line, cwd)).code).toBe(0);
            const [selected, relocated] = ["selected.o", "relocated.o"].map((one) =>
              readFileSync(join(directory, one)),
            );
            expect(selected?.equals(relocated ?? Buffer.alloc(0))).toBe(true);
            compared++;
          }
        }
      }
    }
    expect(compared).toBe(KERNELS);
  }, 60_000);

  it("writes the same from shards that are merged", async () => {
    await emit(CORPUS, "--object", TINY_OBJECT, "-o", "whole.tar");
    for (const shard of ["1", "2"]) {
      await emit(CORPUS, "--object", TINY_OBJECT, "-o", `part${shard}.tar`, "--shard", `${shard}/2`);
    }
    const merged = await runText(["bundle", "merge", "part2.tar", "part1.tar", "-o", "merged.tar"], cwd);
    expect(merged.code).toBe(0);
    for (const suffix of ["", ".provenance.json"]) {
      const [together, alone] = ["merged.tar", "whole.tar"].map((name) => readFileSync(join(directory, name + suffix)));
      expect(together).toEqual(alone);
    }
    const mixed = await runText(
      ["batch", CORPUS, "--object", TINY_OBJECT, "-o", "btf.tar", "--layout", "store", "--no-cache"],
      cwd,
    );
    expect(mixed.code).toBe(0);
    const refused = await runText(["bundle", "merge", "part1.tar", "btf.tar", "-o", "never.tar"], cwd);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("holds objects");
  });

  it("writes a bundle an object, and leaves out what has no outcome", async () => {
    const program = (name: string, section: string) => ({
      name,
      section,
      insns: [LDX_W, EXIT],
      relos: [{ kind: 0, typeId: 1, access: "0:0" }],
    });
    const traced = put("traced.o", objectBytes({ rows: ROWS, programs: [program("f", "fentry/vfs_read")] }));
    const ids = {
      name: "id",
      section: "xdp",
      insns: [MOV_K, EXIT],
      relos: [{ kind: RELO_TYPE_ID_TARGET, typeId: 1, access: "0" }],
    };
    const withIds = put("ids.o", objectBytes({ rows: ROWS, programs: [ids] }));
    put("kernels/debian/12/x86_64/6.1.0-1.btf", btf([struct("s", 8, [m("x", 2, 32)]), int("int", 4, 32, 1)]));
    put("kernels/debian/12/x86_64/6.1.0-2.btf", btf([struct("s", 8, [m("x", 2, 32)]), int("int", 4, 32, 1)]));
    const twice = btf([struct("s", 8, [m("x", 2, 32)]), int("int", 4, 32, 1), struct("s", 4, [m("x", 2, 0)])]);
    put("kernels/debian/12/x86_64/6.1.0-3.btf", twice);
    const { code, summary, stderr } = await emit("kernels", "--object", traced, "--object", withIds, "-o", "several");
    expect(code).toBe(1);
    const [first, second] = summary.emitted.objects;
    expect(first).toMatchObject({ kernels: 2, distinct: 1, needs: [{ kind: "fentry", name: "vfs_read" }] });
    expect(first.leftOut).toEqual([{ kernel: "debian/12/x86_64/6.1.0-3", reason: expect.stringContaining("refuses") }]);
    expect(second).toMatchObject({ kernels: 0, distinct: 0 });
    expect(second.leftOut[0].reason).toContain("target_type_id");
    const beside = ["ids.provenance.json", "traced.provenance.json"];
    expect(readdirSync(join(directory, "several")).sort()).toEqual(["ids", "traced", ...beside].sort());
    const [none, two] = beside.map((name) => JSON.parse(readFileSync(join(directory, "several", name), "utf8")));
    expect(none).toMatchObject({ objects: [{ name: withIds }], kernels: [] });
    expect(two).toMatchObject({
      objects: [{ name: traced }],
      kernels: [{ release: "6.1.0-1" }, { release: "6.1.0-2" }],
    });
    expect(readdirSync(join(directory, "several/traced/object"))).toHaveLength(1);
    expect(stderr).toContain("is left out of");
    const all = await runText(["bundle", "verify", "several"], cwd);
    expect(all.stderr).toContain("several: is no bundle, but has some below it: name one, like several/ids");
    expect((await runText(["bundle", "list", "several/"], cwd)).stderr).toContain("like several/ids");
  });

  it.each([
    ["names of trees", ["--naming", "bcc"]],
    ["trees", ["--layout", "tree"]],
    ["rules that are not libbpf's", ["--loader", "cilium"]],
    ["one file for two objects", ["--object", TINY_OBJECT, "-o", "two.tar"]],
  ])("refuses %s", async (_, options) => {
    const line = ["batch", CORPUS, "--object", TINY_OBJECT, "--emit", "objects", "--no-cache"];
    const run = await runText([...line, ...(options.includes("-o") ? [] : ["-o", "no"]), ...options], cwd);
    expect(run.code).toBe(2);
  });

  it("calls an object with relocations left a finding", async () => {
    await emit(CORPUS, "--object", TINY_OBJECT, "-o", "spoilt");
    const index = JSON.parse(readFileSync(join(directory, "spoilt/index.json"), "utf8"));
    writeFileSync(join(directory, `spoilt/object/${index.blobs[0]}.o`), readFileSync(TINY_OBJECT));
    const run = await runText(["bundle", "verify", "spoilt"], cwd);
    expect(run.code).toBe(1);
    expect(run.stdout + run.stderr).toContain("has the hash");
  });
});
