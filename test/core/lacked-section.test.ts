import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lackedSection } from "../../lib/core/lacked-section.ts";
import { parseBpfObject } from "../../lib/core/object.ts";

const fixture = (name: string) => readFileSync(join(import.meta.dirname, "../fixtures/objects", name));
/** An object whose `.BTF.ext` has another name: nobody finds it. */
const withoutExt = (name: string) =>
  Buffer.from(fixture(name).toString("latin1").replaceAll(".BTF.ext", ".XTF.ext"), "latin1");

describe("lackedSection", () => {
  it.each([
    ["relocations", fixture("exec.o"), null],
    ["both sections, and no relocation", fixture("no_core.o"), null],
    ["no code, so no .BTF.ext", fixture("no_programs.o"), null],
    ["no .BTF", fixture("no_btf.o"), ".BTF"],
    ["no .BTF.ext", fixture("no_btf_ext.o"), ".BTF.ext"],
    ["relocations, .BTF.ext stripped", withoutExt("exec.o"), ".BTF.ext"],
    ["never a relocation, no .BTF.ext: as GCC writes it", withoutExt("no_core.o"), null],
  ])("of an object with %s", (_what, bytes, expected) => {
    expect(lackedSection(parseBpfObject(bytes))).toBe(expected);
  });
});
