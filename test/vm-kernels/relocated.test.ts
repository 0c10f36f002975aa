/** Objects relocated ahead of time on real kernels: loaded with no BTF to be seen, as the originals are with the kernel's own. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readBtf } from "../../cli/inputs/btf-input.ts";
import { bootImageOf } from "../../corpus/source/boot-image.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import type { CpioEntry } from "../../vm/cpio.ts";
import { BOOT_ATTEMPTS, readBooted } from "../oracle/booted.ts";
import { type BothSides, loaderProgram, readLoads, relocateFiles, withoutSide } from "../oracle/relocated-loads.ts";
import { FIXTURES, TOOLS } from "./objects.ts";

const kernels = process.env.BTFGEN_VM_KERNELS ?? "";
const packages = readdirSync(kernels).filter((name) => /amd64.*\.deb$/.test(name));
/** Where the table of docs/VERIFY.md is made anew, all of libbpf-tools; else some stand for the others. */
const isWhole = process.env.BTFGEN_VM_TABLE !== undefined;
const SOME = /\/(capable|execsnoop|exitsnoop|mountsnoop|opensnoop|syscount|tcpconnect|tcplife|tcpstates)$/;
const OBJECTS = [...FIXTURES, ...TOOLS.filter((path) => isWhole || SOME.test(path))];
const LEAST_LOADED = isWhole ? 60 : 20;
/** A run takes 20 s, with all of libbpf-tools a few minutes. */
const BOOTING = { timeoutMs: isWhole ? 400_000 : 120_000, memory: 1024 };

/** What the loader of libbpf finds in the guest, besides itself. */
function filesOf({ before, after }: BothSides): CpioEntry[] {
  const directories = ["/proc", "/boot", "/objects", "/objects/before", "/objects/after"];
  const objects = (side: string, files: ReadonlyMap<string, Uint8Array>): CpioEntry[] =>
    Array.from(files, ([name, bytes]) => ({ path: `/objects/${side}/${name}`, kind: "file", bytes }));
  return [
    ...directories.map((path) => ({ path, kind: "directory" as const })),
    ...objects("before", before),
    ...objects("after", after),
  ];
}

describe("relocated objects in virtual machines", () => {
  it("has three kernels", () => {
    expect(packages.length).toBeGreaterThanOrEqual(3);
  });

  it.each(packages)(
    "%s takes them without BTF as the originals with it",
    async (name) => {
      const path = join(kernels, name);
      const { bytes } = await readBtf(path);
      const sides = relocateFiles(OBJECTS, indexCandidates(parseBtf(bytes, { source: name })));
      const built = loaderProgram();
      if ("missing" in built) throw new Error(built.missing);
      const { image } = await bootImageOf(readFileSync(path), path);
      const { before, after } = readBooted(image, readFileSync(built.path), filesOf(sides), readLoads, BOOTING);
      expect(withoutSide(after)).toEqual(withoutSide(before));
      expect(after.filter(({ errno }) => errno === 0).length).toBeGreaterThan(LEAST_LOADED);
    },
    BOOT_ATTEMPTS * BOOTING.timeoutMs,
  );
});
