import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { emitObjects } from "../../../corpus/batch/emit-objects.ts";
import { batchObject, batchSetup } from "../../../corpus/batch/setup.ts";
import { parseBpfObject } from "../../../lib/core/object.ts";
import { provenanceOf } from "../bundle/kit.ts";
import { TINY_OBJECT, tinySetup } from "./tiny-corpus.ts";

const TINY = readFileSync(TINY_OBJECT);

/** What the bundles of objects from such sources are called. */
function namesOf(sources: readonly string[]): string[] {
  const objects = sources.map((source) => parseBpfObject(TINY, source));
  const { build, options } = tinySetup();
  const setup = batchSetup(
    build,
    objects.map((object) => batchObject(object, null)),
    options,
  );
  return emitObjects({ entries: [], provenance: provenanceOf([]) }, setup, objects).map(({ name }) => name);
}

describe("the names of emitted bundles", () => {
  it.each<[why: string, sources: string, names: string]>([
    ["of files and of objects inside them", "build/exec.bpf.o bin/tool#open", "exec open"],
    ["counted where there are two", "a/exec.o b/exec.bpf.o c/exec.o", "exec exec.1 exec.2"],
    ["not those that counting has made", "a/exec.o b/exec.o exec.1.o", "exec exec.1 exec.1.1"],
    ["not those that counting would make", "a/exec.o exec.1.o b/exec.o", "exec exec.1 exec.2"],
    ["of embedded objects that were counted", "toolA#exec toolA#exec.1 toolB#exec", "exec exec.1 exec.2"],
    ["not told apart by case, which some file systems do not", "a/exec.o b/Exec.o c/EXEC.o", "exec Exec.1 EXEC.2"],
    ["without what a shell or a path reads", "a;b.o c$d/e:f.bpf.o", "a_b e_f"],
    ["not empty, and of no directory", ".o x/..o y/...o z/.bpf.o ....o", "object object.1 object.2 object.3 ..."],
  ])("are %s", (_, sources, names) => {
    expect(namesOf(sources.split(" "))).toEqual(names.split(" "));
  });
});
