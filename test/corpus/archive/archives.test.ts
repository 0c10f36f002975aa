import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readCpio } from "../../../corpus/archive/cpio.ts";
import { openDeb, readDebData } from "../../../corpus/archive/deb.ts";
import type { ArchiveOptions, Member } from "../../../corpus/archive/member.ts";
import { openRpm, readRpmPayload } from "../../../corpus/archive/rpm.ts";
import { looksLikeTar, readTar } from "../../../corpus/archive/tar.ts";
import { FormatError } from "../../../lib/btf/error.ts";
import { cpuMilliseconds } from "../../cpu-time.ts";
import { arOf, cpioOf, debOf, rpmOf, tarOf } from "../containers.ts";

const LONG = `${"long/".repeat(40)}name`;
const files = { "./a": "first", "b/c": "second, of an odd length", [LONG]: "third", empty: "" };
const clean = { a: "first", "b/c": "second, of an odd length", [LONG]: "third", empty: "" };
const all: ArchiveOptions = { source: "x", wanted: () => true, maxBytes: 1 << 20 };

async function* pieces(bytes: Uint8Array, size = bytes.length): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function contents(members: AsyncIterable<Member>): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, bytes } of members) found[name] = Buffer.from(bytes).toString();
  return found;
}

type Read = (bytes: Uint8Array, options: ArchiveOptions, size?: number) => AsyncIterable<Member>;

async function* deb(bytes: Uint8Array, options: ArchiveOptions): AsyncGenerator<Member> {
  yield* readDebData(await openDeb(bytes, options.source), options);
}

async function* rpm(bytes: Uint8Array, options: ArchiveOptions): AsyncGenerator<Member> {
  yield* readRpmPayload(openRpm(bytes, options.source), options);
}

const kinds: [string, () => Promise<Buffer>, Read][] = [
  ["tar", () => tarOf(files), (bytes, options, size) => readTar(pieces(bytes, size), options)],
  ["cpio", async () => cpioOf(files), (bytes, options, size) => readCpio(pieces(bytes, size), options)],
  ["deb", () => debOf("Package: x\n", files), deb],
  ["rpm", async () => rpmOf({ 1000: "x" }, files), rpm],
];

describe.each(kinds)("%s", (kind, make, read) => {
  it("gives its files, in pieces of any size", async () => {
    for (const size of [undefined, 7, 512, 1000]) expect(await contents(read(await make(), all, size))).toEqual(clean);
  });

  it("keeps only what is wanted", async () => {
    const wanted = (name: string) => name === "b/c";
    expect(await contents(read(await make(), { ...all, wanted }))).toEqual({ "b/c": clean["b/c"] });
  });

  it("is an error wherever it is cut", async () => {
    const whole = await make();
    // Behind tar's first zero block, and in the padding of a .deb, nothing is missing.
    const end = kind === "tar" ? whole.length - 512 : kind === "deb" ? whole.length - 1 : whole.length;
    const step = Math.max(1, Math.floor(whole.length / 150));
    for (let cut = 1; cut < end; cut += step) {
      const error = await contents(read(whole.subarray(0, cut), all)).catch((thrown: unknown) => thrown);
      expect(error, `cut at ${cut}`).toBeInstanceOf(FormatError);
    }
  });

  it("has a bound for a member", async () => {
    await expect(contents(read(await make(), { ...all, maxBytes: 10 }))).rejects.toThrow("more than the 10 that are");
  });

  it("says FormatError, and no other, for damage", async () => {
    const whole = await make();
    const step = Math.max(1, Math.floor(whole.length / 100));
    for (let at = 0; at < whole.length; at += step) {
      const broken = Buffer.from(whole);
      broken[at] = (broken[at] as number) ^ 0x55;
      const result = await contents(read(broken, all)).catch((thrown: unknown) => thrown);
      if (result instanceof Error) expect(result, `at ${at}`).toBeInstanceOf(FormatError);
    }
  });
});

describe("tar", () => {
  it("is known by its first block, with a magic number or without", async () => {
    const tar = await tarOf(files);
    expect(looksLikeTar(tar)).toBe(true);
    const old = Buffer.from(tar);
    old.fill(0, 257, 265);
    const sum = old.subarray(0, 512).reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
    old.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    expect(looksLikeTar(old)).toBe(true);
    expect(looksLikeTar(Buffer.alloc(1024))).toBe(false);
    expect(looksLikeTar(Buffer.alloc(1024, 0x20))).toBe(false);
  });

  it("hands out names without a leading slash, and leaves the rest to be judged", async () => {
    const names = { "/etc/passwd": "1", "../../up": "2", ".//./x": "3" };
    expect(await contents(readTar(pieces(await tarOf(names)), all))).toEqual({
      "etc/passwd": "1",
      "../../up": "2",
      x: "3",
    });
  });
});

describe("deb", () => {
  it("reads control fields and sums", async () => {
    const control = "Package: linux-image-6.1\nVersion: 1:2\nDescription: a\n  folded: line\n";
    const { control: read } = await openDeb(await debOf(control, { "./a": "first" }), "x");
    expect(read.fields.get("package")).toBe("linux-image-6.1");
    expect(read.fields.get("version")).toBe("1:2");
    expect(read.sums.get("a")).toBe("8b04d5e3775d298e78455efc5ca404d5");
  });

  it.each<[string, string, string | undefined]>([
    ["a value with blanks around", "X:  x \r\n", "x"],
    ["a value with a colon", "X: 1:2\n", "1:2"],
    ["no value", "X:\n", ""],
    ["no blank", "X:x\n", "x"],
    ["a folded line", " X: x\n", undefined],
    ["a blank in the name", "X y: x\n", undefined],
    ["no name", ": x\n", undefined],
    ["no colon", "X\n", undefined],
  ])("takes a control line with %s for what it is", async (_, line, value) => {
    const { fields } = (await openDeb(await debOf(line, {}), "x")).control;
    expect(fields.get("x")).toBe(value);
    expect(fields.size).toBe(value === undefined ? 0 : 1);
  });

  it("reads a control line of any kind in one go, and no control file without end", async () => {
    const long = await debOf(`X: x${" ".repeat(100_000)}x\n`, {});
    const start = cpuMilliseconds();
    expect((await openDeb(long, "x")).control.fields.get("x")).toHaveLength(100_002);
    expect(cpuMilliseconds() - start).toBeLessThan(1000);
    await expect(openDeb(await debOf(`X: ${"x".repeat(1 << 20)}\n`, {}), "x")).rejects.toMatchObject({
      code: "too-large",
      message: expect.stringContaining("x!control.tar.gz!control: 1048580 bytes"),
    });
    const sums = `${"0".repeat(32)}  a\n`.repeat(40_000);
    expect((await openDeb(await debOf("", {}, sums), "x")).control.sums.size).toBe(1);
  });

  it.each<[string, () => Promise<Buffer>, string]>([
    ["another ar archive", async () => arOf({ "x.o": "object" }), "not a Debian package"],
    [
      "one without data",
      async () => arOf({ "debian-binary": "2.0\n", "control.tar": await tarOf(files) }),
      "ends early",
    ],
    [
      "one whose sizes are no numbers",
      async () =>
        Buffer.from((await debOf("", files)).toString("latin1").replace("4         `", "4x        `"), "latin1"),
      "header is damaged",
    ],
  ])("refuses %s", async (_, make, words) => {
    await expect(contents(deb(await make(), all))).rejects.toThrow(words);
  });
});

describe("rpm", () => {
  it("reads tags", () => {
    const { tags } = openRpm(rpmOf({ 1001: "6.9", 1002: "1.fc40", 1022: "x86_64" }, {}), "x");
    expect(tags).toMatchObject({ version: "6.9", release: "1.fc40", arch: "x86_64", vendor: "" });
  });

  it("refuses a payload that is no cpio archive", () => {
    expect(() => openRpm(rpmOf({ 1124: "drpm" }, {}), "x")).toThrow("kind drpm");
  });
});

it("checks a gzip'ed tar to the end of its compression", async () => {
  const { tarChunks } = await import("../../../corpus/archive/deb.ts");
  const packed = gzipSync(await tarOf(files));
  expect(await contents(readTar(tarChunks(packed, "x"), all))).toEqual(clean);
  packed[packed.length - 6] = (packed[packed.length - 6] as number) ^ 1;
  await expect(contents(readTar(tarChunks(packed, "x"), all))).rejects.toThrow("checksum does not match");
});
