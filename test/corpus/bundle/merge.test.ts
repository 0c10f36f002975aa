import { describe, expect, it } from "vitest";
import { provenancePath } from "../../../corpus/bundle/beside.ts";
import { joinEntries } from "../../../corpus/bundle/bundle.ts";
import { bundleFiles } from "../../../corpus/bundle/layout.ts";
import { mergeBundles } from "../../../corpus/bundle/merge.ts";
import { formatProvenance, mergeProvenance, parseProvenance } from "../../../corpus/bundle/provenance.ts";
import { openBundle } from "../../../corpus/bundle/read.ts";
import { fileStorage } from "../../../corpus/bundle/storage.ts";
import { packTar } from "../../../corpus/bundle/tar.ts";
import { verifyBundle } from "../../../corpus/bundle/verify.ts";
import { FormatError } from "../../../lib/btf/error.ts";
import { ENTRIES, entry, joined, opened, provenanceOf, STORE, TREE, tarOf } from "./kit.ts";

const json = (text: string) => new TextEncoder().encode(text);

/** Shards of the entries: every n-th. */
const shards = (count: number) =>
  Array.from({ length: count }, (_, shard) => ENTRIES.filter((_, i) => i % count === shard));

describe("joining", () => {
  it("takes a kernel with the same bytes twice for one", () => {
    const { entries, conflicts } = joinEntries([...ENTRIES, ...ENTRIES].map((one) => ({ entry: one, origin: "x" })));
    expect(entries).toEqual(joined());
    expect(conflicts).toEqual([]);
  });

  it("names both where a kernel has two different BTFs, and leaves the kernel out", () => {
    const [a, b] = [entry("d/1/x86_64/6.1", "a"), entry("d/1/x86_64/6.1", "b")];
    const { entries, conflicts } = joinEntries([
      { entry: a, origin: "first" },
      { entry: b, origin: "second" },
      { entry: entry("d/1/x86_64/6.2", "a"), origin: "third" },
    ]);
    expect(conflicts).toEqual([{ kernel: "d/1/x86_64/6.1", between: ["first", "second"] }]);
    expect(entries.map(({ identity }) => identity.release)).toEqual(["6.2"]);
  });

  it("names what has no name", () => {
    const { problems } = joinEntries([{ entry: entry("d/1/x86_64/-", "a"), origin: "vmlinux" }]);
    expect(problems).toEqual([{ origin: "vmlinux", reason: "its kernel release is not known" }]);
  });
});

describe("merging", () => {
  it.each([
    [TREE, 1],
    [TREE, 3],
    [STORE, 2],
    [STORE, 3],
    [{ layout: "tree", naming: "bcc" }, 2],
    [{ layout: "tree", naming: "inspektor-gadget-image" }, 2],
  ] as const)("shards gives what was never sharded: %o in %i", async (shape, count) => {
    const parts = await Promise.all(
      shards(count).map(async (entries, i) => ({
        bundle: await opened(entries, shape, `shard ${i}`),
        provenance: { path: `${i}`, provenance: { ...provenanceOf(entries), options: { naming: shape.naming } } },
      })),
    );
    for (const order of [parts, parts.toReversed()]) {
      const merged = mergeBundles(order);
      expect([merged.conflicts, merged.problems, merged.notes]).toEqual([[], [], []]);
      expect(merged.shape).toEqual(shape);
      expect(Buffer.compare(await tarOf(merged.entries, merged.shape), await tarOf(joined(), shape))).toBe(0);
      const whole = formatProvenance({ ...provenanceOf(ENTRIES), options: { naming: shape.naming } });
      expect(merged.provenance && formatProvenance(merged.provenance)).toBe(whole);
    }
  });

  it("names both bundles of a conflict", async () => {
    const parts = await Promise.all(
      ["a", "b"].map(async (content) => ({
        bundle: await opened([entry("d/1/x86_64/6.1", content)], TREE, `${content}.tar`),
        provenance: null,
      })),
    );
    expect(mergeBundles(parts).conflicts).toEqual([
      { kernel: "d/1/x86_64/6.1", between: ["a.tar:d/1/x86_64/6.1.btf", "b.tar:d/1/x86_64/6.1.btf"] },
    ]);
  });

  it("does not mix layouts and namings, unless it is told the naming", async () => {
    const of = async (shape: Parameters<typeof opened>[1]) => ({
      bundle: await opened(ENTRIES, shape),
      provenance: null,
    });
    expect(mergeBundles([await of(TREE), await of(STORE)]).problems).toEqual(["x is a tree and x a store"]);
    const mixed = [await of(TREE), await of({ layout: "tree", naming: "bcc" })];
    expect(mergeBundles(mixed).problems).toEqual(["the trees are named for different consumers: pass --naming"]);
    expect(mergeBundles(mixed, { naming: "bcc" })).toMatchObject({ problems: [], shape: { naming: "bcc" } });
  });

  it("tells namings of the same names by the names for readers that keep quotes", async () => {
    const shape = { layout: "tree", naming: "inspektor-gadget-image" } as const;
    const x86 = ENTRIES.filter(({ identity }) => identity.arch === "x86_64");
    const halves = [x86.slice(0, 3), x86.slice(3)];
    const parts = await Promise.all(
      halves.map(async (entries) => ({ bundle: await opened(entries, shape), provenance: null })),
    );
    expect(parts.map(({ bundle }) => bundle.namings)).toContainEqual(["inspektor-gadget-image"]);
    const merged = mergeBundles(parts);
    expect(Buffer.compare(await tarOf(merged.entries, merged.shape), await tarOf(joined(x86), shape))).toBe(0);
  });

  it("names as the provenance says where names do not tell, and says in it how it named", async () => {
    const x86 = [entry("debian/12/x86_64/6.1", "a")];
    const naming = "inspektor-gadget-image";
    const provenance = { path: "p", provenance: { ...provenanceOf(x86), options: { naming } } };
    const parts = [{ bundle: await opened(x86, { layout: "tree", naming }), provenance }];
    expect(mergeBundles(parts).shape.naming).toBe(naming);
    expect(mergeBundles(parts, { naming: "bcc" })).toMatchObject({
      shape: { naming: "bcc" },
      provenance: { options: { naming: "bcc" } },
    });
  });

  it.each([
    ["bcc", 82, []],
    ["bcc", 83, [expect.stringMatching(/^x:d\/1\/.*: .* more than the 99 bytes that bcc can look up$/)]],
    ["btfhub", 83, []],
  ] as const)(
    "asks the naming that is written, %s, for names: a release of %i bytes",
    async (naming, length, problems) => {
      const long = [entry(`d/1/x86_64/${"r".repeat(length)}`, "a")];
      const merged = mergeBundles([{ bundle: await opened(long, TREE), provenance: null }], { naming });
      expect(merged.problems).toEqual(problems);
      const store = mergeBundles([{ bundle: await opened(long, STORE), provenance: null }], { naming });
      expect(store).toMatchObject({ problems: [], shape: { layout: "store" } });
    },
  );

  it("goes without provenance where a part has none, and says so", async () => {
    const provenance = { path: "p", provenance: provenanceOf(ENTRIES) };
    const bundle = await opened(ENTRIES, TREE, "x.tar");
    const merged = mergeBundles([
      { bundle, provenance },
      { bundle, provenance: null },
    ]);
    expect(merged.provenance).toBeNull();
    expect(merged.notes).toEqual(["x.tar has no provenance beside it, so the merged bundle gets none"]);
  });

  it.each([
    ["tool", { tool: { name: "btfgen", version: "9" } }],
    ["options", { options: { strict: true } }],
    ["objects", { objects: [] }],
  ])("does not join runs whose %s differ", (what, change) => {
    const base = provenanceOf(ENTRIES);
    const parts = [base, { ...base, ...change }].map((provenance, i) => ({ path: `p${i}`, provenance }));
    expect(mergeProvenance(parts)).toEqual({ differs: `p0 and p1 are of different runs: their ${what} differ` });
  });
});

describe("provenance", () => {
  it.each([
    ["out.tar.xz", "out.tar.xz.provenance.json"],
    ["dir/out", "dir/out.provenance.json"],
    ["dir/out//", "dir/out.provenance.json"],
  ])("of %s is %s", (bundle, path) => {
    expect(provenancePath(bundle)).toBe(path);
  });

  it("is the same whatever the order, and reads back", () => {
    const forward = formatProvenance(provenanceOf(ENTRIES));
    expect(formatProvenance(provenanceOf(ENTRIES.toReversed()))).toBe(forward);
    expect(formatProvenance(parseProvenance(json(forward), "p"))).toBe(forward);
    expect(forward.split("\n").slice(0, 34).join("\n")).toMatchInlineSnapshot(`
      "{
        "version": 1,
        "tool": {
          "name": "btfgen",
          "version": "1.2.3"
        },
        "options": {
          "layout": "tree",
          "naming": "btfhub"
        },
        "objects": [
          {
            "name": "exec.o",
            "sha256": "0000000000000000000000000000000000000000000000000000000000000000",
            "arch": null
          }
        ],
        "kernels": [
          {
            "id": "centos",
            "versionId": "7",
            "arch": "x86_64",
            "release": "3.10.0-1160.el7.x86_64",
            "source": {
              "name": "3.10.0-1160.el7.x86_64.btf.tar.xz",
              "blake2b": "11111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"
            },
            "blob": "7fb431eb24fef9f5784d59341964eb8389ecd46caa24da0e6814dbd7505bf3b0",
            "bytes": 43,
            "counts": {
              "types": 1,
              "unresolved": 0
            }
          },"
    `);
  });

  it.each([
    ["{}", "version"],
    ['{"version":9}', "version is of a version"],
    ["nope", "not JSON"],
  ])("is refused when it is %s", (text, reason) => {
    expect(() => parseProvenance(json(text), "p")).toThrow(FormatError);
    expect(() => parseProvenance(json(text), "p")).toThrow(reason);
  });

  it("is refused when a kernel is in it twice", () => {
    const document = JSON.parse(formatProvenance(provenanceOf(ENTRIES)));
    document.kernels.push(document.kernels[0]);
    expect(() => parseProvenance(json(JSON.stringify(document)), "p")).toThrow("is there twice");
  });
});

describe("verifying", () => {
  const verdictOf = async (files: Parameters<typeof packTar>[0], provenance = provenanceOf([])) => {
    const bundle = openBundle(await fileStorage(await packTar(files), "x"));
    const { findings } = await verifyBundle(bundle, provenance.kernels.length === 0 ? null : provenance);
    return findings.map(({ place, problem }) => `${place}: ${problem}`);
  };

  it.each([TREE, STORE, { layout: "tree", naming: "bcc" } as const])("finds nothing in %o", async (shape) => {
    const verdict = await verifyBundle(await opened(ENTRIES, shape), provenanceOf(ENTRIES));
    expect(verdict).toEqual({ findings: [], kernels: 7, blobs: 5, reproducible: true });
  });

  it.each([
    ["bcc", 83, ["more than the 99 bytes that bcc can look up"]],
    ["bcc", 82, []],
    ["btfhub", 83, []],
  ] as const)("asks whether %s can look up the names, of a release of %i bytes", async (naming, length, problems) => {
    const shape = { layout: "tree", naming } as const;
    const { findings } = await verifyBundle(
      await opened([entry(`d/1/x86_64/${"r".repeat(length)}`, "a")], shape),
      null,
    );
    expect(findings.map(({ problem }) => problem)).toEqual(problems.map((words) => expect.stringContaining(words)));
  });

  it("finds files of no bundle, and BTF that no kernel loads", async () => {
    const files = bundleFiles(joined(), TREE, true);
    const bad = [...files, { name: "README", bytes: json("x") }, { name: "d/1/x86_64/6.1.btf", bytes: json("no") }];
    const found = await verdictOf(bad);
    expect(found).toHaveLength(2);
    expect(found[0]).toBe("README: belongs to no bundle");
    expect(found[1]).toMatch(/^d\/1\/x86_64\/6.1: /);
  });

  it("finds a blob that is not what its name says, and one that no kernel has", async () => {
    const files = bundleFiles(joined(), STORE, true);
    const spare = { name: `btf/${"0".repeat(64)}.btf`, bytes: json("x") };
    expect(await verdictOf([spare, ...files])).toEqual([`${spare.name}: is the BTF of no kernel in the index`]);
    const [first, ...rest] = files;
    const changed = [{ name: first?.name ?? "", bytes: json("x") }, ...rest];
    expect((await verdictOf(changed)).every((line) => line.includes("it was damaged or changed"))).toBe(true);
  });

  it("finds names of two consumers in one tree, and a second name with other bytes", async () => {
    const files = bundleFiles(joined(), TREE, true);
    const [arm] = bundleFiles([entry("d/1/arm64/6.1", "a")], { layout: "tree", naming: "bcc" }, true);
    expect(await verdictOf(arm === undefined ? [] : [...files, arm])).toEqual([
      "x: the names are not all of one naming",
    ]);
    const bcc = bundleFiles(joined(), { layout: "tree", naming: "bcc" }, true);
    const changed = bcc.map((file) => (file.name.includes('"') ? { ...file, bytes: json("x") } : file));
    expect(await verdictOf(changed)).toEqual([
      './"centos"/7/x86_64/3.10.0-1160.el7.x86_64.btf: has other bytes than centos/7/x86_64/3.10.0-1160.el7.x86_64, for which it stands',
    ]);
  });

  it("finds provenance that is not of this bundle", async () => {
    const files = bundleFiles(joined(), TREE, true);
    const changed = [...ENTRIES.slice(2), entry("debian/12/x86_64/6.1.0-47-amd64", "z"), entry("d/1/x86_64/6.1", "z")];
    expect(await verdictOf(files, provenanceOf(changed))).toEqual([
      "debian/12/x86_64/6.1.0-47-amd64: the provenance is of other bytes",
      "ubuntu/22.04/arm64/5.15.0-1049-aws: the provenance does not know it",
      "d/1/x86_64/6.1: only the provenance has it",
    ]);
  });
});
