import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { compressTar, containerOf } from "../../../corpus/bundle/container.ts";
import { bundleFiles } from "../../../corpus/bundle/layout.ts";
import { openBundle, readEntry } from "../../../corpus/bundle/read.ts";
import { fileStorage, openStorage } from "../../../corpus/bundle/storage.ts";
import { packTar } from "../../../corpus/bundle/tar.ts";
import { NotReplaceableError, writeBundle } from "../../../corpus/bundle/write.ts";
import { encodeXz, loadLiblzma } from "../../../corpus/codec/liblzma.ts";
import { FormatError } from "../../../lib/btf/error.ts";
import { tar, workspace } from "../../cli/workspace.ts";
import { ENTRIES, entry, joined, opened, STORE, TREE, tarOf } from "./kit.ts";

const { directory, put } = workspace();
const has = (program: string) => spawnSync(program, ["--version"]).status === 0;

/** ENTRIES in other orders. */
const ORDERS = [ENTRIES, ENTRIES.toReversed(), [...ENTRIES.slice(3), ...ENTRIES.slice(0, 3)]];

function filesBelow(path: string): Record<string, Buffer> {
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const named = files.map((one) => [join(one.parentPath, one.name).slice(path.length + 1), one] as const);
  return Object.fromEntries(
    named
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, one]) => [name, readFileSync(join(one.parentPath, one.name))]),
  );
}

describe("what a bundle is made of", () => {
  it("is a tree by default: a file a kernel", () => {
    expect(bundleFiles(joined(), TREE, true).map(({ name }) => name)).toEqual([
      "centos/7/x86_64/3.10.0-1160.el7.x86_64.btf",
      "debian/12/x86_64/6.1.0-47-amd64.btf",
      "debian/12/x86_64/6.1.0-56-amd64.btf",
      "debian/12/x86_64/6.1.0-56-cloud-amd64.btf",
      "debian/13/arm64/6.12.107+deb13-arm64.btf",
      "fedora/38/x86_64/6.2.9-300.fc38.x86_64.btf",
      "ubuntu/22.04/arm64/5.15.0-1049-aws.btf",
    ]);
  });

  it("is an index and each distinct blob once in a store", () => {
    const files = bundleFiles(joined(), STORE, true);
    const hashes = [...new Set(ENTRIES.map(({ blobHash }) => blobHash))].sort();
    expect(hashes).toHaveLength(5);
    expect(files.map(({ name }) => name)).toEqual([...hashes.map((hash) => `btf/${hash}.btf`), "index.json"]);
  });

  it("has the names that readers of os-release without a shell's rules come to, in a tar alone", () => {
    const names = (forTar: boolean) =>
      bundleFiles(joined(), { layout: "tree", naming: "bcc" }, forTar).map((f) => f.name);
    expect(names(true)).toContain('./"centos"/7/x86_64/3.10.0-1160.el7.x86_64.btf');
    expect(names(true)).toContain("./fedora//x86_64/6.2.9-300.fc38.x86_64.btf");
    expect(names(true)).toHaveLength(ENTRIES.length + 2);
    expect(names(false)).toHaveLength(ENTRIES.length);
  });
});

describe("the bytes of a bundle", () => {
  it.each([TREE, STORE])("are the same in whatever order kernels come ($layout)", async (shape) => {
    const tars = await Promise.all(ORDERS.map((entries) => tarOf(joined(entries), shape)));
    expect(Buffer.compare(tars[0] as Uint8Array, tars[1] as Uint8Array)).toBe(0);
    expect(Buffer.compare(tars[0] as Uint8Array, tars[2] as Uint8Array)).toBe(0);
  });

  it("say nothing of when, where and by whom they were made", async () => {
    const path = put("listing.tar", await tarOf(joined(), TREE));
    const listing = execFileSync("tar", ["--utc", "--numeric-owner", "--full-time", "-tvf", path], {
      encoding: "utf8",
    });
    const lines = listing.trim().split("\n");
    expect(lines).toHaveLength(ENTRIES.length);
    for (const line of lines) expect(line).toMatch(/^-rw-r--r-- 0\/0 +\d+ 1970-01-01 00:00:00 [a-z]/);
    expect(readFileSync(path, "latin1")).not.toContain("root");
  });

  it("are these", async () => {
    // Any change here is a new format: the digests of bundles that people have pinned would change.
    const sha256 = async (entries: typeof ENTRIES, shape: typeof TREE) =>
      (await fileStorage(await tarOf(joined(entries), shape), "x")).tarSha256;
    expect(await sha256(ENTRIES, TREE)).toMatchInlineSnapshot(
      `"93e30648685f2bf7f2b086a97c074de39025c441cd5aaf6306f34d5e270f720b"`,
    );
    expect(await sha256(ENTRIES, STORE)).toMatchInlineSnapshot(
      `"a1f768bc88ea8e91d7e86227419db23c17de3d71157f840b73c531dd3670dc82"`,
    );
    expect(await sha256(ENTRIES, { layout: "tree", naming: "bcc" })).toMatchInlineSnapshot(
      `"8285e6d33bf04565827290049d419b6d75cd9157f48141b001a7564d890b14d9"`,
    );
  });

  it.each([
    ["x", "directory"],
    ["x.tar", "tar"],
    ["x.tar.gz", "tar.gz"],
    ["x.tgz", "tar.gz"],
    ["x.tar.zst", "tar.zst"],
    ["x.tar.xz", "tar.xz"],
    ["x.xz", "directory"],
    ["x.tar/", "directory"],
  ] as const)("%s is a %s", (path, container) => {
    expect(containerOf(path)).toBe(container);
  });

  it("are compressed the same way twice, with nothing of the machine in them", async () => {
    const bytes = await tarOf(joined(), TREE);
    for (const container of ["tar.gz", "tar.zst", "tar.xz"] as const) {
      const [once, again] = [await compressTar(bytes, container), await compressTar(bytes, container)];
      expect(Buffer.compare(once, again)).toBe(0);
      expect(once.length).toBeLessThan(bytes.length / 4);
    }
    // Method, no flags, no time, best compression, unknown system: RFC 1952.
    expect([...(await compressTar(bytes, "tar.gz")).subarray(0, 10)]).toEqual([31, 139, 8, 0, 0, 0, 0, 0, 2, 255]);
  });

  it.skipIf(!has("xz"))("are those of the xz program", async () => {
    const library = await loadLiblzma();
    const bytes = await tarOf(joined(), TREE);
    const program = execFileSync("xz", ["-9", "-T1", "--check=crc64", "-c"], { input: bytes });
    expect(library === null || Buffer.compare(encodeXz(library, bytes, 9), program) === 0).toBe(true);
  });
});

describe.each(["tree", "tree.tar", "tree.tar.gz", "tree.tar.zst", "tree.tar.xz"])("written to %s", (name) => {
  const unpack: Readonly<Record<string, readonly string[]>> = { ".zst": ["--zstd"], ".xz": ["-J"], ".gz": ["-z"] };
  const flags = unpack[/\.[a-z]+$/.exec(name)?.[0] ?? ""] ?? [];

  it.each([
    TREE,
    STORE,
    { layout: "tree", naming: "bcc" },
    { layout: "tree", naming: "inspektor-gadget" },
    { layout: "tree", naming: "inspektor-gadget-image" },
  ] as const)("reads back, by this program and by tar: $layout $naming", async (shape) => {
    const path = join(directory, `${shape.layout}-${shape.naming}-${name}`);
    const written = await writeBundle(path, joined(), shape, null);
    expect(written).toMatchObject({ path, kernels: 7, blobs: 5, provenance: null });
    const bundle = openBundle(await openStorage(path));
    expect(bundle.layout).toBe(shape.layout);
    expect(bundle.strays).toEqual([]);
    expect(bundle.entries.map((one) => readEntry(bundle, one))).toEqual(joined());
    if (shape.layout === "tree") expect(bundle.namings).toContain(shape.naming);
    expect(bundle.storage.tarSha256 ?? written.tarSha256).toBe(written.tarSha256);
    if (name === "tree") return;
    const out = `${path}.unpacked`;
    mkdirSync(out);
    execFileSync("tar", [...flags, "-xf", path, "-C", out]);
    const expected = bundleFiles(joined(), shape, true).map((file) => [join(file.name), Buffer.from(file.bytes)]);
    expect(filesBelow(out)).toEqual(Object.fromEntries(expected));
  });
});

describe("a directory as output", () => {
  it("replaces an empty directory and an older bundle, whole", async () => {
    const path = join(directory, "again");
    mkdirSync(path);
    await writeBundle(path, joined(), TREE, null);
    await writeBundle(`${path}//`, joined(ENTRIES.slice(0, 2)), TREE, null);
    expect(Object.keys(filesBelow(path))).toHaveLength(2);
    await writeBundle(path, joined(), STORE, null);
    expect(Object.keys(filesBelow(path))).toHaveLength(6);
  });

  it("replaces a bundle, however its path is written", async () => {
    const path = `${directory}/./dotted`;
    await writeBundle(path, joined(), STORE, null);
    await writeBundle(path, joined(ENTRIES.slice(0, 2)), STORE, null);
    const { kernels } = await writeBundle(path, joined(), STORE, null);
    expect(kernels).toBe(ENTRIES.length);
    put("dotted/notes.txt", "precious");
    await expect(writeBundle(path, joined(), STORE, null)).rejects.toThrow("other files in it (notes.txt)");
  });

  it("does not touch a directory that has anything else", async () => {
    const path = join(directory, "mine");
    put("mine/debian/12/x86_64/6.1.btf", "x");
    put("mine/notes.txt", "precious");
    await expect(writeBundle(path, joined(), TREE, null)).rejects.toThrow(NotReplaceableError);
    expect(Object.keys(filesBelow(path))).toEqual(["debian/12/x86_64/6.1.btf", "notes.txt"]);
    const linked = join(directory, "linked");
    mkdirSync(linked);
    symlinkSync(path, join(linked, "index.json"));
    await expect(writeBundle(linked, joined(), TREE, null)).rejects.toThrow(NotReplaceableError);
  });

  it("leaves nothing beside it, whatever happens", async () => {
    const parent = join(directory, "parent");
    mkdirSync(parent);
    await writeBundle(join(parent, "out"), joined(), TREE, null);
    await writeBundle(join(parent, "out"), joined(), TREE, null);
    writeFileSync(join(parent, "file"), "x");
    await expect(writeBundle(join(parent, "file"), joined(), TREE, null)).rejects.toThrow(/ENOTDIR/);
    await expect(writeBundle(join(parent, "no", "where"), joined(), TREE, null)).rejects.toThrow(/ENOENT/);
    await expect(writeBundle(join(parent, "no", "where.tar"), joined(), TREE, null)).rejects.toThrow(/ENOENT/);
    expect(readdirSync(parent).sort()).toEqual(["file", "out"]);
  });

  it("is whole when several runs write to it at once", async () => {
    const path = join(directory, "race");
    const halves = [joined(ENTRIES.slice(0, 3)), joined(ENTRIES.slice(3))];
    await Promise.all(Array.from({ length: 8 }, (_, i) => writeBundle(path, halves[i % 2] ?? [], TREE, null)));
    const names = Object.keys(filesBelow(path));
    expect(halves.map((half) => bundleFiles(half, TREE, false).map((file) => file.name))).toContainEqual(names);
  });
});

/** The code and the message of a FormatError. */
async function refusal(action: () => Promise<unknown>): Promise<string> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    expect(error.message).not.toContain("\n");
    return `${error.code}: ${error.message}`;
  }
  return "nothing was refused";
}

const open = async (bytes: Uint8Array, maxBytes?: number) =>
  openBundle(await fileStorage(bytes, "b", maxBytes === undefined ? {} : { maxBytes }));

describe("hostile bundles", () => {
  const blobs = { "debian/12/x86_64/6.1.btf": new Uint8Array(5) };

  it.each([
    ["/etc/passwd", "bad-archive"],
    ["../../x.btf", "bad-archive"],
    ["debian/../../x.btf", "bad-archive"],
    ["a\u0000b", "bad-archive"],
    ["a\u001b[2Jb", "bad-archive"],
    ["a\\..\\b", "bad-archive"],
  ])("are refused for a name like %j", async (name, code) => {
    const refused = await refusal(async () => open(await tar({ ...blobs, [name]: new Uint8Array(1) })));
    // tar ends a name at a NUL, and what is left here is a file of no bundle.
    if (name.includes("\u0000")) expect(refused).toBe("nothing was refused");
    else expect(refused).toMatch(`${code}: b: `);
  });

  it("are refused for links", async () => {
    const path = join(directory, "link");
    mkdirSync(path);
    symlinkSync("/etc/passwd", join(path, "x"));
    const archive = execFileSync("tar", ["-C", path, "-c", "x"]);
    expect(await refusal(() => open(archive))).toBe('bad-archive: b: "x" in it is a symlink, not a file');
    expect(await refusal(() => openStorage(path))).toContain("x in it is not a file");
  });

  it("are refused for a file that is there twice, or a kernel", async () => {
    const twice = await packTar([
      { name: "debian/12/x86_64/6.1.btf", bytes: new Uint8Array(1) },
      { name: "debian/12/x86_64/6.1.btf", bytes: new Uint8Array(2) },
    ]);
    expect(await refusal(() => open(twice))).toContain("twice");
    const kernels = await tar({ "d/1/arm64/6.1.btf": new Uint8Array(1), "d/1/aarch64/6.1.btf": new Uint8Array(1) });
    expect(await refusal(() => open(kernels))).toContain(
      "d/1/aarch64/6.1.btf and d/1/arm64/6.1.btf are the same kernel",
    );
  });

  it.each(["tar", "tar.gz", "tar.zst", "tar.xz"] as const)(
    "are refused wherever a %s is cut off",
    async (container) => {
      const whole = await compressTar(await tarOf(joined(), STORE), container);
      const step = Math.max(1, Math.floor(whole.length / 40));
      for (let length = 0; length < whole.length; length += step) {
        expect(await refusal(() => open(whole.subarray(0, length))), `cut at ${length}`).toMatch(
          /^(truncated|bad-archive): b: /,
        );
      }
      expect(await refusal(() => open(whole.subarray(0, whole.length - 1)))).toMatch(/^(truncated|bad-archive)/);
    },
  );

  it("are refused when they are larger than said", async () => {
    const bomb = gzipSync(new Uint8Array(20 << 20));
    expect(await refusal(() => open(bomb, 1 << 20))).toMatch(/^too-large: b: /);
    expect(await refusal(() => open(new Uint8Array(2 << 20), 1 << 20))).toMatch(/^too-large: b: /);
  });

  it.each([
    ["no JSON", "{", "not JSON"],
    ["no object", "[]", "index.json: version "],
    ["another version", '{"version":2,"blobs":[],"kernels":{}}', "version is of a version"],
    ["a strange key", '{"version":1,"blobs":[],"kernels":{},"x":1}', "x"],
    ["a path for a hash", '{"version":1,"blobs":["../../etc/passwd"],"kernels":{}}', "blobs.0 must be a SHA-256"],
    [
      "a blob beyond",
      '{"version":1,"blobs":[],"kernels":{"d":{"1":{"x":{"6":0}}}}}',
      "a kernel has blob 0, and there are 0",
    ],
    ["a negative blob", '{"version":1,"blobs":[],"kernels":{"d":{"1":{"x":{"6":-1}}}}}', "kernels.d.1.x.6"],
    ["a lost blob", `{"version":1,"blobs":["${"0".repeat(64)}"],"kernels":{}}`, "is missing"],
    ["a blob twice", `{"version":1,"blobs":["${"0".repeat(64)}","${"0".repeat(64)}"],"kernels":{}}`, "listed twice"],
  ])("are refused for an index with %s", async (_, index, reason) => {
    const archive = await tar({ "index.json": Buffer.from(index) });
    expect(await refusal(() => open(archive))).toContain(`bad-archive: b: `);
    expect(await refusal(() => open(archive))).toContain(reason);
  });

  it("are refused where a blob is not what the index says", async () => {
    const files = bundleFiles(joined([entry("d/1/x86_64/6.1", "a")]), STORE, true);
    const changed = files.map(({ name, bytes }) => ({
      name,
      bytes: name === "index.json" ? bytes : bytes.map(() => 0),
    }));
    const bundle = await open(await packTar(changed));
    const [first] = bundle.entries;
    expect(await refusal(async () => first && readEntry(bundle, first))).toContain("it was damaged or changed");
  });

  it.each([
    ["nothing", new Uint8Array()],
    ["zeros", new Uint8Array(512)],
    ["noise", Uint8Array.from({ length: 4096 }, (_, i) => (i * 193 + 7) & 0xff)],
    ["an empty tar", new Uint8Array(1024)],
    ["gzip of nothing", gzipSync(new Uint8Array())],
    ["bzip2", Buffer.from("BZh91AY&SY")],
  ])("are refused for being %s", async (_, bytes) => {
    expect(await refusal(() => open(bytes))).toMatch(/^(truncated|bad-archive): b: /);
  });

  it("does not walk a deep directory that is none", async () => {
    mkdirSync(join(directory, "deep/1/2/3/4/5/6/7/8"), { recursive: true });
    expect(await refusal(() => openStorage(join(directory, "deep")))).toContain("deeper than a bundle");
  });

  it("takes what another tar makes of the same files", async () => {
    const path = join(directory, "other");
    await writeBundle(path, joined(), TREE, null);
    const bundle = await open(execFileSync("tar", ["-C", path, "-cz", "."]));
    expect(bundle.entries.map((one) => readEntry(bundle, one))).toEqual(joined());
    expect((await opened(ENTRIES, TREE)).entries).toHaveLength(7);
  });
});
