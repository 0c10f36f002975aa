/** Our dumps against bpftool's, byte for byte: every sample kernel and module, and variants that our encoder makes. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { dumpJson } from "../../lib/btf/dump-json.ts";
import { dumpRaw } from "../../lib/btf/dump-raw.ts";
import type { ChunkWriter } from "../../lib/btf/dump-sink.ts";
import { type EncodeOptions, encodeBtf } from "../../lib/btf/encode.ts";
import { parseBtf, parseModules } from "../../lib/btf/parse.ts";
import { sortTypesByName } from "../../lib/btf/sort.ts";
import type { Btf } from "../../lib/btf/view.ts";
import { blob, info, int, type Row } from "../btf/records.ts";
import {
  KERNEL_6_1,
  KERNEL_BIG_ENDIAN,
  KERNEL_OF_MODULES,
  KERNELS_TO_ASK,
  kernelPath,
  moduleSamples,
} from "../samples.ts";
import { type BpftoolResult, bpftoolCommand, dumpRaw as bpftoolDumpRaw, withFile } from "./bpftool.ts";
import { runProcess } from "./process.ts";
import { describeOracle } from "./requirements.ts";

/** Not all, for time: the baseline, the big-endian one, and the newest. */
const JSON_KERNELS = [KERNEL_6_1, KERNEL_BIG_ENDIAN, "debian/14/x86_64/7.2.13+deb14-cloud-amd64"];

function textOf(dump: (btf: Btf, write: ChunkWriter) => void, btf: Btf): string {
  const chunks: Buffer[] = [];
  dump(btf, (chunk) => chunks.push(Buffer.from(chunk)));
  return Buffer.concat(chunks).toString("latin1");
}

/** The first line in which two texts differ, both ways; a comparison of whole dumps would print megabytes. */
function firstDifference(ours: string, theirs: string): { ours: string; theirs: string } | undefined {
  if (ours === theirs) return undefined;
  const [a, b] = [ours.split("\n"), theirs.split("\n")];
  const at = a.findIndex((line, i) => line !== b[i]);
  return { ours: a[at] ?? "(end)", theirs: b[at === -1 ? a.length : at] ?? "(end)" };
}

function valueFrom<T>(result: BpftoolResult<T>): T {
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

function bpftoolJson(path: string, base?: string): string {
  const bpftool = bpftoolCommand()?.[0] ?? "bpftool";
  const { code, stdout, stderr } = runProcess([
    bpftool,
    ...(base === undefined ? [] : ["-B", base]),
    "-j",
    ...["btf", "dump", "file", path],
  ]);
  if (code !== 0) throw new Error(stderr);
  return Buffer.from(stdout).toString("latin1");
}

const U32_SIGN = 1n << 31n;
const U64 = 1n << 64n;
const U32_MASK = 0xffff_ffffn;

/** bpftool's JSON with its fault mended: it extends the sign of unsigned 32-bit enumerators to 64 bits. */
function mended(json: string): string {
  const types = json.split(/(?=\{"id":)/);
  for (const [i, type] of types.entries()) {
    if (!type.includes('"kind":"ENUM",') || !type.includes('"encoding":"UNSIGNED"')) continue;
    types[i] = type.replace(/"val":(\d{20})/g, (field, digits: string) => {
      const value = BigInt(digits);
      return value >= U64 - U32_SIGN ? `"val":${value & U32_MASK}` : field;
    });
  }
  return types.join("");
}

/** A type a line, for firstDifference. */
const lines = (json: string): string => json.replaceAll('{"id":', '\n{"id":');

describeOracle("dumps of sample kernels", ["bpftool"], () => {
  it.each(KERNELS_TO_ASK)("%s", (name) => {
    const path = kernelPath(name);
    const btf = parseBtf(readFileSync(path));
    expect(firstDifference(textOf(dumpRaw, btf), valueFrom(bpftoolDumpRaw(path)))).toBeUndefined();
  });

  it.each(JSON_KERNELS)("%s as JSON", (name) => {
    const path = kernelPath(name);
    const ours = textOf(dumpJson, parseBtf(readFileSync(path)));
    expect(firstDifference(lines(ours), lines(mended(bpftoolJson(path))))).toBeUndefined();
  });
});

describeOracle("dumps of modules", ["bpftool"], () => {
  const basePath = kernelPath(KERNEL_OF_MODULES);
  const base = parseBtf(readFileSync(basePath));
  const modules = moduleSamples();
  const inputs = modules.map(({ name, bytes }) => ({ source: name, bytes }));
  const all = parseModules(base, inputs);

  it.each(modules.map(({ name, path }, i) => ({ name, path, i })))("$name", ({ path, i }) => {
    const theirs = valueFrom(bpftoolDumpRaw(path, basePath));
    const alone = parseModules(base, inputs.slice(i, i + 1));
    expect(firstDifference(textOf(dumpRaw, alone), theirs)).toBeUndefined();
    const among = textOf((btf, write) => dumpRaw(btf, write, { segment: i + 1 }), all);
    expect(firstDifference(among, theirs)).toBeUndefined();
    expect(firstDifference(lines(textOf(dumpJson, alone)), lines(mended(bpftoolJson(path, basePath))))).toBeUndefined();
  });
});

describeOracle("dumps of variants made by our encoder", ["bpftool"], () => {
  const btf = parseBtf(readFileSync(kernelPath(KERNEL_6_1)));
  it.each<[string, (options: EncodeOptions) => Uint8Array, EncodeOptions]>([
    ["with a layout section", (options) => encodeBtf(btf, options), { layout: true }],
    ["sorted by name", (options) => sortTypesByName(btf, options), {}],
    ["sorted, with a layout section", (options) => sortTypesByName(btf, options), { layout: true }],
    ["big-endian", (options) => encodeBtf(btf, options), { littleEndian: false }],
    ["big-endian and sorted", (options) => sortTypesByName(btf, options), { littleEndian: false }],
  ])("%s", (_, make, options) => {
    const bytes = make(options);
    const theirs = withFile(bytes, (path) => valueFrom(bpftoolDumpRaw(path)));
    expect(firstDifference(textOf(dumpRaw, parseBtf(bytes)), theirs)).toBeUndefined();
  });
});

/** What real kernels do not have. */
const ODD: Row[] = [
  int("int", 4, 1),
  int("odd", 4, 3, 5),
  ["", info(4, 1, 1), 4, "", 1, (3 << 24) | 5],
  ["e", info(6, 2, 1), 4, "MIN", 0x80000000, "MAX", 0x7fffffff],
  ["e", info(6, 2), 4, "ZERO", 0, "TOP", 0xffffffff],
  ["e64", info(19, 2, 1), 8, "MIN", 0, 0x80000000, "MINUS", 0xffffffff, 0xffffffff],
  ["e64", info(19, 2), 8, "TOP", 0xffffffff, 0xffffffff, "ONE", 1, 0],
  ["u", info(7, 0, 1), 0],
  ["", info(13, 2), 0, "a", 1, "", 0],
  ["f", info(12, 2), 9],
  ["v", info(14), 1, 2],
  [".data", info(15, 1), 4, 11, 0, 4],
  ["double", info(16), 8],
  ["tag", info(17), 3, 0xffffffff],
  ["attr", info(17, 0, 1), 3, 0],
  ["user", info(18), 1],
  ["attr", info(18, 0, 1), 1],
  ["grün", info(8), 1],
  // No backslash: bpftool 7.1 writes it to JSON as a line feed.
  ['quo"te', info(8), 1],
];

describeOracle("dumps of what kernels do not have", ["bpftool"], () => {
  describe.each([
    ["little-endian", true],
    ["big-endian", false],
  ])("%s", (_, littleEndian) => {
    const bytes = blob(ODD, { littleEndian });
    it("are the same", () => {
      const theirs = withFile(bytes, (path) => ({ raw: valueFrom(bpftoolDumpRaw(path)), json: bpftoolJson(path) }));
      const btf = parseBtf(bytes);
      expect(textOf(dumpRaw, btf)).toBe(theirs.raw);
      expect(JSON.parse(textOf(dumpJson, btf))).toEqual(JSON.parse(mended(theirs.json)));
    });
  });
});
