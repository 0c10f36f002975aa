/** The emulated big-endian oracles tell right from wrong. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { KERNEL_BIG_ENDIAN, kernelPath } from "../samples.ts";
import { dumpRaw, minCoreBtf, withFile } from "./bpftool.ts";
import { compileBpf } from "./clang.ts";
import { libbpfRelocate } from "./libbpf.ts";
import { describeOracle } from "./requirements.ts";
import { s390xBpftool, s390xLibbpf } from "./s390x.ts";
import { temporaryDirectory } from "./temporary.ts";

const READ_PID = `struct task_struct { int pid; int absent; } __attribute__((preserve_access_index));
  __attribute__((section("socket"), used)) int prog(struct task_struct **t) { return t[0]->pid + t[0]->absent; }`;

describeOracle("s390x oracles", ["s390x", "libbpf", "clang"], () => {
  const directory = temporaryDirectory();
  const object = (): string => {
    const path = join(directory(), "program.o");
    writeFileSync(path, compileBpf(READ_PID, "bpfeb"));
    return path;
  };
  const kernel = (): string => kernelPath(KERNEL_BIG_ENDIAN);

  it("libbpf relocates a big-endian object, which the host's refuses", () => {
    const run = libbpfRelocate(object(), kernel(), { command: s390xLibbpf() });
    expect(run).toMatchObject({ ok: true, errno: 0 });
    expect(run.log.map((entry) => [entry.local?.path, entry.patches.length, entry.poisoned.length])).toEqual([
      ["task_struct.pid", 1, 0],
      ["task_struct.absent", 0, 1],
    ]);
    const [patch] = run.log[0]?.patches ?? [];
    const after = run.programs.get("prog")?.after ?? new Uint8Array(0);
    const view = new DataView(after.buffer, after.byteOffset, after.length);
    expect(BigInt(view.getInt16(8 * (patch?.insn ?? 0) + 2, false))).toBe(patch?.to);
    expect(patch?.to).toBeGreaterThan(0n);
    expect(libbpfRelocate(object(), kernel())).toMatchObject({ ok: false });
  });

  it("bpftool minimizes to big-endian BTF", () => {
    const result = minCoreBtf(kernel(), [object()], s390xBpftool());
    expect(result.ok && [...result.value.subarray(0, 2)]).toEqual([0xeb, 0x9f]);
    const dump = result.ok ? withFile(result.value, (path) => dumpRaw(path, undefined, s390xBpftool())) : result;
    expect(dump).toMatchObject({ ok: true, value: expect.stringMatching(/STRUCT 'task_struct' .*vlen=1\n\t'pid'/) });
    expect([...readFileSync(kernel()).subarray(0, 2)]).toEqual([0xeb, 0x9f]);
  });
});
