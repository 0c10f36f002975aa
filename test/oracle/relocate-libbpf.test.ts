/** Objects relocated ahead of time in libbpf's hands, with no BTF of a kernel anywhere: the code it makes of the originals. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { resolveObject } from "../../lib/core/resolve.ts";
import { findBpfObjects } from "../../lib/elf/embedded.ts";
import { relocateObject } from "../../lib/prepare/relocate.ts";
import { KERNEL_BIG_ENDIAN, KERNELS_TO_ASK, kernelPath } from "../samples.ts";
import { type LibbpfRun, libbpfRelocateMany } from "./libbpf.ts";
import { libbpfToolsExecutables } from "./libbpf-tools.ts";
import { describeOracle } from "./requirements.ts";
import { s390xLibbpf } from "./s390x.ts";
import { temporaryDirectory } from "./temporary.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/objects");
const BIG_ENDIAN = join(import.meta.dirname, "../fixtures/objects-be");
/** An extern without a type; struct_ops that the kernel has not. */
const NOT_TAKEN_BIG_ENDIAN = ["link_first.o", "struct_ops.o"];
/** libbpf itself opens them not at all, or refuses to relocate them. */
const NOT_TAKEN = ["link_first.o", "no_btf.o", "sched_gcc.o"];
const KERNELS = KERNELS_TO_ASK.filter((name) => name !== KERNEL_BIG_ENDIAN);

interface Written {
  readonly before: string[];
  readonly after: string[];
  /** Files that want the kernel's BTF all the same. */
  readonly needy: ReadonlySet<string>;
}

/** Writes originals and relocated objects under the same names, as a loader names maps after files. */
function write(objects: readonly { name: string; bytes: Uint8Array }[], kernel: string, directory: string): Written {
  const index = indexCandidates(parseBtf(readFileSync(kernelPath(kernel)), { source: kernel }));
  const needy = new Set<string>();
  const [before, after] = ["before", "after"].map((side) => {
    mkdirSync(join(directory, side), { recursive: true });
    return objects.map(({ name, bytes }) => {
      const path = join(directory, side, name);
      if (side === "before") writeFileSync(path, bytes);
      else {
        const object = parseBpfObject(bytes, name);
        const result = relocateObject(object, resolveObject(object, index));
        // Programs that attach by type are made plain ones by the oracle: only what libbpf looks up itself is left.
        if (result.needs.some(({ kind }) => kind === "struct_ops" || kind === "ksym" || kind === "kfunc"))
          needy.add(name);
        writeFileSync(path, result.bytes ?? new Uint8Array());
      }
      return path;
    });
  }) as [string[], string[]];
  return { before, after, needy };
}

/** Code of all programs of a run, in hex. */
function codeOf({ programs }: LibbpfRun): [string, string][] {
  return [...programs.values()].map(({ name, after }): [string, string] => [name, Buffer.from(after).toString("hex")]);
}

interface Compared {
  readonly objects: number;
  readonly programs: number;
  readonly instructions: number;
  /** Files that libbpf loads with nothing to look into. */
  readonly refused: string[];
}

function compare({ before, after }: Written, kernel: string, command?: readonly string[]): Compared {
  const options = command === undefined ? {} : { command };
  const originals = libbpfRelocateMany(before, kernelPath(kernel), options);
  const ours = new Map(
    libbpfRelocateMany(after, "", { ...options, as: "none" }).map((run): [string, LibbpfRun] => [
      basename(run.object),
      run,
    ]),
  );
  let programs = 0;
  let instructions = 0;
  const refused: string[] = [];
  for (const original of originals) {
    const name = basename(original.object);
    const run = ours.get(name);
    // libbpf may warn of what it poisons; that is no refusal.
    expect({ name, failed: original.failed }).toEqual({ name, failed: undefined });
    if (run?.ok !== true) {
      refused.push(name);
      continue;
    }
    expect(run.log, name).toEqual([]);
    expect(codeOf(run), name).toEqual(codeOf(original));
    programs += run.programs.size;
    for (const { after: code } of run.programs.values()) instructions += code.length / 8;
  }
  return { objects: originals.length - refused.length, programs, instructions, refused };
}

describeOracle("our objects, relocated, where there is no BTF", ["libbpf"], () => {
  const directory = temporaryDirectory();
  it.each(KERNELS)("are what libbpf makes of them on %s", (kernel) => {
    const objects = readdirSync(FIXTURES)
      .filter((name) => name.endsWith(".o") && !NOT_TAKEN.includes(name))
      .map((name) => ({ name, bytes: new Uint8Array(readFileSync(join(FIXTURES, name))) }));
    const written = write(objects, kernel, directory());
    const { programs, refused, instructions } = compare(written, kernel);
    expect(refused.sort()).toEqual([...written.needy].sort());
    expect(programs).toBeGreaterThan(50);
    expect(instructions).toBeGreaterThan(2000);
  });
});

describeOracle("the objects of libbpf-tools, relocated, where there is no BTF", ["libbpf", "libbpf-tools"], () => {
  const directory = temporaryDirectory();
  it.each(KERNELS)("are what libbpf makes of them on %s", (kernel) => {
    const objects = libbpfToolsExecutables()
      .flatMap((executable) => findBpfObjects(readFileSync(executable), executable))
      .map(({ bytes, name }, i) => ({ name: `${String(i)}-${name.replaceAll(/[^\w.-]/g, "_")}.o`, bytes }));
    const written = write(objects, kernel, directory());
    const { objects: loaded, programs, refused } = compare(written, kernel);
    expect(refused).toEqual([]);
    expect(loaded).toBeGreaterThan(40);
    expect(programs).toBeGreaterThan(200);
  });
});

describeOracle("our big-endian objects, relocated, where there is no BTF", ["s390x", "libbpf", "clang"], () => {
  const directory = temporaryDirectory();
  it("are what a big-endian libbpf makes of them", () => {
    const objects = readdirSync(BIG_ENDIAN)
      .filter((name) => name.endsWith(".o") && !NOT_TAKEN_BIG_ENDIAN.includes(name))
      .map((name) => ({ name, bytes: new Uint8Array(readFileSync(join(BIG_ENDIAN, name))) }));
    const written = write(objects, KERNEL_BIG_ENDIAN, directory());
    const { programs, refused } = compare(written, KERNEL_BIG_ENDIAN, s390xLibbpf());
    expect(refused.sort()).toEqual([...written.needy].sort());
    expect(programs).toBeGreaterThan(40);
  }, 120_000);
});
