import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { lineOfRun, runOfLine } from "../../checker/protocol.ts";
import { weakenExterns } from "../../checker/weaken.ts";
import { openElf } from "../../lib/elf/elf.ts";
import { readSymbols, symbolBind, symbolName } from "../../lib/elf/symbols.ts";
import type { LoadRun } from "../../lib/verify/loader-run.ts";

describe("the checker's lines", () => {
  it("carry a run as it is", () => {
    const run: LoadRun = {
      object: 3,
      side: "small",
      pass: "together",
      program: null,
      ok: false,
      errno: 22,
      weakened: true,
      warnings: ["prog 'a': \u{1b}[31m \"quoted\"\nnext line"],
      verifierLog: "0: R1=ctx()",
      programs: [
        {
          name: "a",
          section: "tc",
          code: Uint8Array.of(0, 255, 10, 34),
          appended: [{ name: "s", slots: 2 }],
          loaded: null,
        },
        { name: "b", section: "tc", code: null, appended: [], loaded: { id: 1, tag: "00ff", verifiedInstructions: 2 } },
      ],
      mapChanges: ["map m is not pinned"],
    };
    const line = JSON.stringify(lineOfRun(run));
    expect(line).not.toContain("\n");
    expect(runOfLine(JSON.parse(line))).toEqual(run);
  });
});

describe("weakenExterns", () => {
  const undefinedOf = (bytes: Uint8Array) => {
    const symbols = readSymbols(openElf(bytes, "object"));
    return Array.from({ length: symbols.count }, (_, i) => i)
      .filter((i) => i > 0 && symbols.sections[i] === 0)
      .map((i) => [symbolName(symbols, i), symbolBind(symbols, i)]);
  };
  const read = (name: string) => readFileSync(new URL(`../fixtures/objects/${name}.o`, import.meta.url));

  it("makes undefined symbols weak, in a copy", () => {
    const bytes = read("externs");
    const before = undefinedOf(bytes);
    expect(before.some(([, bind]) => bind === 1)).toBe(true);
    const weak = weakenExterns(bytes);
    expect(weak === null ? [] : undefinedOf(weak)).toEqual(before.map(([name]) => [name, 2]));
    expect(undefinedOf(bytes)).toEqual(before);
  });

  it("has nothing to do where there are none", () => {
    expect(weakenExterns(read("exec"))).toBeNull();
  });
});
