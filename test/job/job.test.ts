import { describe, expect, it } from "vitest";
import { FormatError } from "../../lib/btf/error.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { RELO_FIELD_BYTE_OFFSET, RELO_TYPE_EXISTS } from "../../lib/core/relo-kind.ts";
import { KERNEL_RULES, LIBBPF_RULES } from "../../lib/core/rules.ts";
import { runJob, runParsed } from "../../lib/job/job.ts";
import { btf, int, m, param, proto, ptr, type Row, struct, typedef } from "../btf/builder.ts";
import { kernelOf, objectOf } from "../minimize/scene.ts";

const INT = int("int", 4);
const rows: Row[] = [INT, struct("task", 8, [m("pid", 1, 0), m("tgid", 1, 32)])];

describe("a job", () => {
  it("says what became of every relocation, by rule set, and proves it", () => {
    const object = objectOf(rows, [
      [RELO_FIELD_BYTE_OFFSET, 2, "0:1"],
      [RELO_TYPE_EXISTS, 2, "0"],
    ]);
    const { sets, proof, typesBefore, typesAfter, target } = runJob(kernelOf(rows), [object, object]);
    expect(sets.map(({ rules, records }) => [rules.name, records.length])).toEqual([
      ["libbpf", 4],
      ["kernel", 4],
    ]);
    expect(proof).toMatchObject({ holds: true, relocations: 4, pairs: 4, ruleSets: ["libbpf", "kernel"] });
    expect([typesBefore, typesAfter]).toEqual([2, 2]);
    expect(target.source).toBe("kernel");
  });

  it("takes a parsed target, and only the rule sets that it is told", () => {
    const object = objectOf(rows, [[RELO_TYPE_EXISTS, 2, "0"]]);
    const parsed = parseBtf(btf(rows));
    for (const rules of [LIBBPF_RULES, KERNEL_RULES]) {
      const { proof, sets } = runParsed(parsed, [object], { ruleSets: [rules] });
      expect([proof.holds, proof.ruleSets, sets.length]).toEqual([true, [rules.name], 1]);
    }
  });

  it("serves both depths: what the kernel gives up, libbpf follows", () => {
    const nested = (name: string): Row[] => [
      INT,
      proto(1, [param("", 1)]),
      ptr(2),
      proto(1, [param("", 3)]),
      ptr(4),
      proto(1, [param("", 5)]),
      ptr(6),
      proto(1, [param("", 7)]),
      typedef(name, 8),
    ];
    const object = objectOf(nested("deep_t"), [[RELO_TYPE_EXISTS, 9, "0"]]);
    const { sets, proof } = runJob(kernelOf(nested("deep_t")), [object]);
    expect(sets.map(({ records }) => records[0]?.status)).toEqual(["resolved", "error"]);
    expect(proof.holds).toBe(true);
    const alone = runJob(kernelOf(nested("deep_t")), [object], { ruleSets: [KERNEL_RULES] });
    expect(alone.proof.holds).toBe(true);
    expect(alone.typesAfter).toBeLessThan(10);
  });

  it("takes no object at all, and objects without relocations", () => {
    for (const objects of [[], [objectOf(rows, [])]]) {
      expect(runJob(kernelOf(rows), objects)).toMatchObject({ typesAfter: 1, proof: { holds: true, relocations: 0 } });
    }
  });

  it("throws on what is no BTF, and names it", () => {
    const base = { bytes: new Uint8Array(10), source: "broken.btf" };
    expect(() => runJob({ base }, [])).toThrow(FormatError);
    expect(() => runJob({ base }, [])).toThrow(/broken\.btf/);
    const modules = [{ bytes: new Uint8Array(10), source: "broken.ko" }];
    expect(() => runJob({ ...kernelOf(rows), modules }, [])).toThrow(/broken\.ko/);
  });
});
