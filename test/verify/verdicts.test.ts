import { describe, expect, it } from "vitest";
import type { BtfSide, LoadPass, LoadRun } from "../../lib/verify/loader-run.ts";
import { judgeLoads } from "../../lib/verify/verdicts.ts";

const TAG = "0123456789abcdef";
let nextId = 1;

function load(
  side: BtfSide,
  pass: LoadPass,
  program: string | null,
  answer: string,
  names = [program ?? "a"],
): LoadRun {
  const ok = answer === "ok" || answer.startsWith("tag ");
  const tag = answer.startsWith("tag ") ? answer.slice(4) : TAG;
  return {
    object: 0,
    side,
    pass,
    program,
    ok,
    errno: ok ? 0 : 13,
    weakened: false,
    warnings: [],
    verifierLog: ok ? "" : `7: (95) exit\n${answer}`,
    programs: names.map((name) => ({
      name,
      section: "tc",
      code: null,
      appended: [],
      loaded: ok ? { id: nextId++, tag, verifiedInstructions: 3 } : null,
    })),
    mapChanges: ["map m is not pinned"],
  };
}

/** Answers of full and small, alone and in reverse. */
const program = (full: string, small: string, fullAgain = full, smallAgain = small): LoadRun[] => [
  load("full", "alone", "a", full),
  load("small", "alone", "a", small),
  load("full", "reverse", "a", fullAgain),
  load("small", "reverse", "a", smallAgain),
];

/** Of the object; one is a subprogram. */
const FUNCTIONS = [
  { name: "a", section: "tc" },
  { name: "helper", section: ".text" },
];
const NONE: ReadonlySet<string> = new Set();

describe("judgeLoads", () => {
  it.each<[string, LoadRun[], string, string | null]>([
    ["accepted with both", program("ok", "ok"), "accepted", null],
    ["refused with both for one reason", program("R1 bad", "R1 bad"), "not-tested", null],
    ["refused for two reasons", program("R1 bad", "R2 bad"), "failed", "reason"],
    ["accepted with full only", program("ok", "R1 bad"), "failed", "verdict"],
    ["accepted with small only", program("R1 bad", "ok"), "failed", "verdict"],
    ["other code", program("ok", "tag ffff"), "failed", "code"],
    ["refused when it comes in another order", program("ok", "ok", "ok", "R1 bad"), "failed", "order"],
    ["other code in another order", program("ok", "ok", "ok", "tag ffff"), "failed", "code"],
    ["no answer with small", program("ok", "ok").filter(({ side }) => side === "full"), "failed", "missing"],
  ])("judges %s", (_, runs, verdict, what) => {
    const { programs } = judgeLoads(FUNCTIONS, runs, NONE);
    expect(programs).toHaveLength(1);
    expect(programs[0]).toMatchObject({ program: "a", section: "tc", verdict });
    expect(programs[0]?.failure?.what ?? null).toBe(what);
    expect(programs[0]?.reason === null).toBe(verdict !== "not-tested");
  });

  it("lets code differ by a type's id, but not from load to load", () => {
    const ids = new Set(["a"]);
    expect(judgeLoads(FUNCTIONS, program("ok", "tag ffff"), ids).programs[0]?.verdict).toBe("accepted");
    expect(judgeLoads(FUNCTIONS, program("ok", "tag ffff", "tag eeee"), ids).programs[0]?.verdict).toBe("failed");
  });

  it("tells where the verifier stopped", () => {
    const [verdict] = judgeLoads(FUNCTIONS, program("ok", "R1 bad"), NONE).programs;
    expect(verdict?.failure).toMatchObject({ full: "accepted", small: "R1 bad", instruction: 7, pass: "alone" });
    expect(verdict?.failure?.verifierLog).toContain("R1 bad");
  });

  it("keeps every load's id", () => {
    const runs = program("ok", "ok");
    const ids = (side: BtfSide) =>
      runs.filter((run) => run.side === side).map(({ programs }) => programs[0]?.loaded?.id);
    const [verdict] = judgeLoads(FUNCTIONS, runs, NONE).programs;
    expect(verdict?.loaded.full.map(({ id }) => id)).toEqual(ids("full"));
    expect(verdict?.loaded.small.map(({ id }) => id)).toEqual(ids("small"));
  });

  it.each([
    ["ok", "ok", "accepted"],
    ["R1 bad", "R1 bad", "not-tested"],
    ["ok", "R1 bad", "failed"],
  ])("judges all programs at once: %s, %s", (full, small, verdict) => {
    const together = [load("full", "together", null, full, ["a"]), load("small", "together", null, small, ["a"])];
    const judged = judgeLoads(FUNCTIONS, [...program("ok", "ok"), ...together], NONE);
    expect(judged.together?.verdict).toBe(verdict);
    expect(judged.mapChanges).toEqual(["map m is not pinned"]);
  });

  it("counts the programs of an object that libbpf refuses as not tested, by that reason", () => {
    const refused = (side: BtfSide, said: string) => ({
      ...load(side, "relocate", null, "refused", []),
      verifierLog: "",
      warnings: [said, "failed to load object 'object0'"],
    });
    const [legacy, other] = ["elf: legacy map definitions in 'maps' section", "elf: endianness mismatch"];
    const { programs } = judgeLoads(FUNCTIONS, [refused("full", legacy), refused("small", legacy)], NONE);
    expect(programs).toMatchObject([
      { program: "a", section: "tc", verdict: "not-tested", reason: { kind: "object", text: legacy }, failure: null },
    ]);
    // Level libbpf has the difference.
    expect(judgeLoads(FUNCTIONS, [refused("full", legacy), refused("small", other)], NONE).programs).toEqual([]);
  });

  it("says null where all at once was not tried", () => {
    expect(judgeLoads(FUNCTIONS, program("ok", "ok"), NONE).together).toBeNull();
    expect(judgeLoads(FUNCTIONS, [], NONE).programs).toEqual([]);
  });
});
