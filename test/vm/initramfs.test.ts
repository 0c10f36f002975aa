import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { CheckRequest } from "../../checker/protocol.ts";
import { whyNotInVm } from "../../cli/verify/vm-check.ts";
import { readCpio } from "../../corpus/archive/cpio.ts";
import { initramfs, type VmCheck } from "../../vm/initramfs.ts";

const programs = fileURLToPath(new URL("../../dist", import.meta.url));
const CHECK: VmCheck = {
  level: "btf-load",
  full: Uint8Array.of(1),
  small: Uint8Array.of(2),
  objects: [Uint8Array.of(3), Uint8Array.of(4)],
  silenceMs: 5000,
  libbpf: null,
  config: { release: "6.1.0", bytes: Buffer.from("CONFIG_BPF=y\n") },
};

async function filesOf(check: VmCheck): Promise<Map<string, Uint8Array>> {
  const options = { source: "initramfs", wanted: () => true, maxBytes: 1 << 30 };
  const files = new Map<string, Uint8Array>();
  for await (const { name, bytes } of readCpio(pieces(initramfs(programs, check)), options)) files.set(name, bytes);
  return files;
}

async function* pieces(list: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* list;
}

describe("initramfs", () => {
  it("has what the guest starts with, and what is asked of it by names that are there", async () => {
    const files = await filesOf(CHECK);
    const names = [...files.keys()];
    expect(names).toEqual(expect.arrayContaining(["bin/node", "app/guest.cjs", "app/checker.cjs", "lib/libc.so.6"]));
    expect(names.filter((name) => name.endsWith("koffi.node"))).toHaveLength(1);
    expect(new Set(names).size).toBe(names.length);
    expect(files.get("boot/config-6.1.0")).toHaveLength(13);
    const request = JSON.parse(Buffer.from(files.get("check/request.json") ?? []).toString()) as CheckRequest;
    const paths = [request.full, request.small, ...request.objects.map(({ path }) => path)];
    expect(paths.map((path) => [...(files.get(path.slice(1)) ?? [])])).toEqual([[1], [2], [3], [4]]);
    expect({ level: request.level, from: request.from, libbpf: request.libbpf }).toEqual({
      level: "btf-load",
      from: 0,
      libbpf: null,
    });
    // A level that asks libbpf nothing takes none along.
    expect(names.some((name) => name.includes("libbpf"))).toBe(false);
  });

  it("leaves out a libbpf that is not there: the checker says so", async () => {
    const files = await filesOf({ ...CHECK, level: "kernel", libbpf: join(programs, "no-libbpf.so") });
    expect([...files.keys()].some((name) => name.includes("libbpf"))).toBe(false);
  });

  it("makes no path of a release that is one", async () => {
    const files = await filesOf({ ...CHECK, config: { release: "../../x", bytes: new Uint8Array(1) } });
    expect([...files.keys()].some((name) => name.includes("config-"))).toBe(false);
  });
});

describe("whyNotInVm", () => {
  const kernel = { image: new Uint8Array(1), origin: "vmlinuz", btf: Uint8Array.of(1, 2), release: null, config: null };

  it.runIf(process.arch === "x64")("takes a kernel of this architecture with its own BTF", () => {
    expect(whyNotInVm({ ...kernel, arch: "x86_64" }, Uint8Array.of(1, 2))).toBeNull();
    const other = whyNotInVm({ ...kernel, arch: "x86_64" }, Uint8Array.of(1, 3));
    expect(other).toBe("FULL is not the BTF of vmlinuz: leave --full out, its own is taken then");
  });

  it.each([["arm64"], [null]])("says that kernels for %s are not booted", (arch) => {
    expect(whyNotInVm({ ...kernel, arch }, kernel.btf)).toMatch(
      /^kernels for (arm64|an unknown architecture) are not booted here: /,
    );
  });
});
