/** The other oracles tell right from wrong: each is shown something good and something bad. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { KERNEL_6_1, kernelPath } from "../samples.ts";
import { dumpC, dumpRaw, minCoreBtf, withFile } from "./bpftool.ts";
import { compileBpf, compileC } from "./clang.ts";
import { loadBtf, loadBtfs, oneInt } from "./kernel.ts";
import { libbpfToolsExecutables } from "./libbpf-tools.ts";
import { paholeSizes, paholeStruct } from "./pahole.ts";
import { describeOracle } from "./requirements.ts";
import { temporaryDirectory } from "./temporary.ts";

const BTF_MAGIC_LE = [0x9f, 0xeb];
const READ_PID = `struct task_struct { int pid; } __attribute__((preserve_access_index));
  __attribute__((section("socket"), used)) int prog(struct task_struct **t) { return t[0]->pid; }`;

/** {@link oneInt} with another word put in; words count from the start of the header. */
function withWord(index: number, value: number): Uint8Array {
  const blob = Uint8Array.from(oneInt());
  new Uint32Array(blob.buffer, 0, 10)[index] = value;
  return blob;
}
const INFO_WORD = 7; // the second word of the one type
const SIZE_WORD = 8;

describeOracle("the kernel as an oracle", ["bpf"], () => {
  it("takes a good blob and says why it refuses a bad one, in order", () => {
    const verdicts = loadBtfs([oneInt(), withWord(INFO_WORD, 0x0100_0001), oneInt(), new Uint8Array(0)]);
    expect(verdicts.map((verdict) => verdict.ok)).toEqual([true, false, true, false]);
    expect(verdicts[0]).toEqual({ ok: true, errno: 0, error: "", log: "", reason: "" });
    expect(verdicts[1]).toMatchObject({
      errno: 22,
      error: "EINVAL",
      reason: expect.stringMatching(/^\[1\] INT .*vlen != 0$/),
    });
  });

  it("takes a whole kernel's BTF and refuses it with one record spoiled", () => {
    const kernel = Uint8Array.from(readFileSync(kernelPath(KERNEL_6_1)));
    expect(loadBtf(kernel)).toMatchObject({ ok: true });
    new DataView(kernel.buffer).setUint32(4 * INFO_WORD, 0x7fff_ffff, true);
    expect(loadBtf(kernel)).toMatchObject({ ok: false, error: "EINVAL", reason: "[1] Invalid btf_info:7fffffff" });
  });

  it("judges thousands of blobs in one run", () => {
    const blobs = Array.from({ length: 4000 }, (_, i) => (i % 3 === 0 ? withWord(SIZE_WORD, 0) : oneInt()));
    expect(loadBtfs(blobs).map((verdict) => verdict.ok)).toEqual(blobs.map((_, i) => i % 3 !== 0));
  });
});

describeOracle("bpftool as an oracle", ["bpftool", "clang"], () => {
  const directory = temporaryDirectory();
  const object = (source: string): string => {
    const path = join(directory(), "program.o");
    writeFileSync(path, compileBpf(source));
    return path;
  };

  it("minimizes", () => {
    const kernel = kernelPath(KERNEL_6_1);
    const result = minCoreBtf(kernel, [object(READ_PID)]);
    expect(result.ok).toBe(true);
    if (!result.ok) return;
    expect([...result.value.subarray(0, 2)]).toEqual(BTF_MAGIC_LE);
    expect(result.value.length).toBeLessThan(200);
    expect(withFile(result.value, (path) => dumpRaw(path))).toMatchObject({
      ok: true,
      value: expect.stringMatching(/STRUCT 'task_struct' size=\d+ vlen=1\n\t'pid' /),
    });
    expect(withFile(result.value, (path) => dumpC(path))).toMatchObject({
      ok: true,
      value: expect.stringContaining("struct task_struct {"),
    });
  });

  it("fails with its own words, neither crashed nor hung", () => {
    const kernel = kernelPath(KERNEL_6_1);
    expect(minCoreBtf(kernel, [kernel])).toMatchObject({ ok: false, crashed: false, hung: false });
    expect(dumpRaw(object(READ_PID).replace("program", "absent"))).toMatchObject({ ok: false, crashed: false });
  });

  it("is stopped when it hangs", () => {
    // typedef t t: type 1 refers to itself; the object asks for the size of t.
    const words = Uint32Array.of(0x0001_eb9f, 24, 0, 12, 12, 3, 1, 0x0800_0000, 1);
    const typedefLoop = Buffer.concat([new Uint8Array(words.buffer), Buffer.from("\0t\0")]);
    const sized = object(`typedef int t; __attribute__((section("socket"), used)) int prog(void *c) {
      return __builtin_preserve_type_info(*(t *)0, 1); }`);
    const result = withFile(typedefLoop, (path) => minCoreBtf(path, [sized], { timeoutMs: 500 }));
    expect(result).toMatchObject({ ok: false, hung: true, crashed: false });
  });
});

describeOracle("pahole as an oracle", ["pahole", "clang"], () => {
  it("reads sizes of a raw BTF file and refuses what is none", () => {
    const result = paholeSizes(kernelPath(KERNEL_6_1));
    expect(result.ok && result.sizes.get("list_head")).toBe(16);
    expect(withFile(Buffer.from("nothing"), (path) => paholeSizes(path))).toMatchObject({ ok: false });
  });

  it("prints a struct", () => {
    const text = paholeStruct(kernelPath(KERNEL_6_1), "list_head");
    expect(text).toMatch(/struct list_head \{\n\s+struct list_head \*\s+next;/);
  });
});

describeOracle("clang as an oracle", ["clang"], () => {
  it("makes objects of both byte orders and says what it cannot compile", () => {
    const ELF_DATA = 5; // EI_DATA: 1 little-endian, 2 big-endian
    expect(compileBpf("int x;", "bpfel")[ELF_DATA]).toBe(1);
    expect(compileBpf("int x;", "bpfeb")[ELF_DATA]).toBe(2);
    const bad = compileC('_Static_assert(sizeof(int) == 5, "five");', { target: "bpf" });
    expect(bad.ok === false && bad.error).toMatch(/five/);
  });
});

describeOracle("the package libbpf-tools", ["libbpf-tools"], () => {
  it("has some fifty programs with a BPF object in them", () => {
    expect(libbpfToolsExecutables().length).toBeGreaterThan(45);
    expect(libbpfToolsExecutables().join("\n")).toMatch(/\/opensnoop$/m);
  });
});
