/** Loader programs in virtual machines: their verifiers take them, and they make what bpftool's make of the same objects. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { CreatedObject, LoaderLine } from "../../checker/loader-protocol.ts";
import { questionOf } from "../../cli/loader/run-loader.ts";
import { bootImageOf } from "../../corpus/source/boot-image.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { findBpfObjects } from "../../lib/elf/embedded.ts";
import { buildLoader } from "../../lib/loader/build.ts";
import { prepare } from "../../lib/prepare/prepare.ts";
import { runnerInitramfs, type VmLoader } from "../../vm/initramfs.ts";
import { runVm } from "../../vm/qemu.ts";
import { workspace } from "../cli/workspace.ts";
import { bpftoolLoader, createdFacts } from "../oracle/bpftool-loader.ts";
import { runProcess } from "../oracle/process.ts";
import { COMMAND, FIXTURES, TOOLS } from "./objects.ts";

const kernels = process.env.BTFGEN_VM_KERNELS ?? "";
const dist = fileURLToPath(new URL("../../dist/", import.meta.url));
const packages = readdirSync(kernels).filter((name) => name.endsWith(".deb"));
/** Loader programs came with 5.14. */
const TOO_OLD = /-5\.10\./;
const RUN_MS = 400_000;
const SILENCE_MS = 120_000;
const PERF_EVENT_ARRAY = 4;
/** What no loader program can make: struct_ops, freplace. */
const NOT_TAKEN = /\/(struct_ops|freplace)\.o$/;

const { directory } = workspace();

interface Contender {
  readonly path: string;
  /** bpftool's, ours for any kernel, ours for this kernel. */
  readonly loaders: readonly (VmLoader | null)[];
}

/** The objects as files that bpftool takes. */
function files(): string[] {
  const tools = TOOLS.flatMap((executable) =>
    findBpfObjects(readFileSync(executable), executable).map(({ bytes }) => {
      const path = join(directory, `${basename(executable)}.o`);
      writeFileSync(path, bytes);
      return path;
    }),
  );
  return [...FIXTURES.filter((path) => !NOT_TAKEN.test(path)), ...tools];
}

function contender(path: string, btf: Uint8Array): Contender {
  const object = parseBpfObject(readFileSync(path), path);
  const ours = [null, indexCandidates(parseBtf(btf, { source: "the kernel" }))].map((target): VmLoader | null => {
    const loader = buildLoader(object, prepare(object, target));
    if ("refusals" in loader) return null;
    return { instructions: loader.instructions, data: loader.data, question: questionOf(loader, 0) };
  });
  const theirs = bpftoolLoader(path, prepare(object, null).name);
  return { path, loaders: [typeof theirs === "string" ? null : theirs, ...ours] };
}

/** bpftool counts this machine's CPUs and takes its version, the virtual one has others. */
function facts(created: readonly CreatedObject[], ours: readonly CreatedObject[]) {
  return createdFacts(created, ours).map(({ verifiedInstructions: _, ...rest }) =>
    rest.kind === "map" && rest.type === PERF_EVENT_ARRAY ? { ...rest, maxEntries: 0 } : rest,
  );
}

describe("loader programs on other kernels", () => {
  it("has kernels that have loader programs, and one that has none", () => {
    expect(packages.filter((name) => !TOO_OLD.test(name)).length).toBeGreaterThanOrEqual(3);
    expect(packages.filter((name) => TOO_OLD.test(name)).length).toBeGreaterThanOrEqual(1);
  });

  it.each(packages.filter((name) => !TOO_OLD.test(name)))(
    "%s runs all that it runs of bpftool's, with the same outcome",
    async (name) => {
      const kernel = await bootImageOf(readFileSync(join(kernels, name)), name);
      const contenders = files().map((path) => contender(path, kernel.btf));
      const all = contenders.flatMap(({ loaders }) => loaders.filter((loader) => loader !== null));
      const lines: LoaderLine[] = [];
      await runVm({
        image: kernel.image,
        source: name,
        initramfs: runnerInitramfs(dist, all, SILENCE_MS),
        silenceMs: 2 * SILENCE_MS,
        onLine: (line) => {
          if (line.type === "loader") lines.push(line);
        },
        onRestart: () => {
          lines.length = 0;
        },
      });
      expect(lines).toHaveLength(all.length);
      const outcomes = { same: 0, onlyOurs: 0, neither: 0 };
      /** Objects of libbpf-tools that load, for the table of docs/LOADER.md. */
      const tools = { bpftool: 0, carried: 0, applied: 0 };
      let next = 0;
      for (const { path, loaders } of contenders) {
        const [theirs, carried, applied] = loaders.map((loader) => (loader === null ? null : lines[next++]));
        if (path.startsWith(directory)) {
          for (const [who, line] of Object.entries({ bpftool: theirs, carried, applied })) {
            if (line?.failed === null) tools[who as keyof typeof tools]++;
          }
        }
        for (const ours of [carried, applied]) {
          if (ours === null || ours === undefined) {
            // An object that cannot be relocated ahead of time cannot be there either.
            expect(theirs?.failed, path).not.toBeNull();
            continue;
          }
          // The loader program itself is one that this kernel's verifier takes.
          expect(ours.failed?.stage ?? "run", `${path}: ${ours.logs[0]?.text}`).toBe("run");
          if (theirs === null || theirs === undefined || theirs.failed !== null) {
            outcomes[ours.failed === null ? "onlyOurs" : "neither"]++;
            continue;
          }
          expect(ours.failed, `${path}: ${ours.logs[0]?.text}`).toBeNull();
          expect(facts(ours.created, ours.created), path).toEqual(facts(theirs.created, ours.created));
          outcomes.same++;
        }
      }
      process.stdout.write(`${name}: ${JSON.stringify({ ...outcomes, tools })}\n`);
      expect(outcomes.same).toBeGreaterThan(40);
    },
    RUN_MS,
  );

  it.each(packages.filter((name) => TOO_OLD.test(name)))(
    "%s is too old, and that is said",
    (name) => {
      const loader = join(directory, "no_core.loader");
      const object = fileURLToPath(new URL("../fixtures/objects/no_core.o", import.meta.url));
      expect(runProcess([process.execPath, COMMAND, "loader", object, "-o", loader]).code).toBe(0);
      const line = ["run-loader", loader, "--kernel", join(kernels, name)];
      const { code, stderr } = runProcess([process.execPath, COMMAND, ...line], { timeoutMs: RUN_MS });
      expect({ code, stderr }).toEqual({
        code: 3,
        stderr: expect.stringMatching(
          /^btfgen: run-loader: Linux 5\.10\.\S+ has no loader programs: .* came with 5\.14\n$/,
        ),
      });
    },
    RUN_MS,
  );
});
