/** Relocated objects on the running kernel, in a mount namespace in which there is no BTF: the verdict of the originals. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { libbpfToolsExecutables } from "./libbpf-tools.ts";
import { runProcess } from "./process.ts";
import { loaderProgram, readLoads, relocateFiles, withoutSide, writeSides } from "./relocated-loads.ts";
import { describeOracle } from "./requirements.ts";
import { temporaryDirectory } from "./temporary.ts";

const OWN_BTF = "/sys/kernel/btf/vmlinux";
const FIXTURES = join(import.meta.dirname, "../fixtures/objects");
const MINUTES = 300_000;

describeOracle("relocated objects on this kernel, where there is no BTF", ["bpf", "libbpf", "libbpf-tools"], () => {
  const directory = temporaryDirectory();
  it.skipIf(!existsSync(OWN_BTF))(
    "are loaded, or refused, as the originals are with it",
    () => {
      const index = indexCandidates(parseBtf(new Uint8Array(readFileSync(OWN_BTF)), { source: OWN_BTF }));
      const fixtures = readdirSync(FIXTURES).filter((name) => name.endsWith(".o"));
      const paths = [...fixtures.map((name) => join(FIXTURES, name)), ...libbpfToolsExecutables()];
      const sides = relocateFiles(paths, index);
      writeSides(sides, directory());
      const built = loaderProgram();
      if ("missing" in built) throw new Error(built.missing);
      const run = runProcess([built.path, directory()], { timeoutMs: MINUTES });
      expect(run.code, run.stderr).toBe(0);
      const { before, after } = readLoads(Buffer.from(run.stdout).toString());
      expect(withoutSide(after)).toEqual(withoutSide(before));
      // Most are really loaded: what is refused on both sides shows nothing of relocations.
      const loaded = after.filter(({ errno }) => errno === 0);
      expect(loaded.length).toBeGreaterThan(60);
      expect(new Set(loaded.map(({ object }) => object)).size).toBeGreaterThan(20);
    },
    MINUTES,
  );

  it.skipIf(!existsSync(OWN_BTF))("are what it takes: the originals are refused there", () => {
    const object = new Uint8Array(readFileSync(join(FIXTURES, "tcp_connect.o")));
    const files = new Map([["tcp_connect.o", object]]);
    const place = join(directory(), "originals");
    writeSides({ before: files, after: files, needy: 0 }, place);
    const built = loaderProgram();
    if ("missing" in built) throw new Error(built.missing);
    const { before, after } = readLoads(Buffer.from(runProcess([built.path, place]).stdout).toString());
    expect(before.map(({ errno }) => errno)).toEqual([0, 0]);
    expect(after.length).toBe(2);
    expect(after.every(({ errno }) => errno !== 0)).toBe(true);
  });
});
