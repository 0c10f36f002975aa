import { describe, expect, it } from "vitest";
import { defineCommand } from "../../cli/command.ts";
import { parse } from "../../cli/parse.ts";

const join = defineCommand({
  name: "join",
  summary: "Joins",
  positionals: [
    { name: "base", describe: "The base" },
    { name: "part", describe: "The parts", list: true },
  ],
  options: {
    output: { type: "string", describe: "Where to", alias: "o", value: "FILE", required: true },
    keep: { type: "string", describe: "What to keep", alias: "k", list: true },
    mode: { type: "string", describe: "How", choices: ["fast", "slow"] },
    jobs: { type: "number", describe: "How many" },
    "keep-names": { type: "boolean", describe: "Names too" },
  },
  examples: [],
});

const DEFAULTS = { keep: [], mode: undefined, jobs: undefined, "keep-names": false, json: false };

function parsed(...argv: string[]) {
  return parse(["join", ...argv], [join], "1.2.3");
}

describe("parse", () => {
  it("says in the help which options are required", async () => {
    const { help } = (await parsed("--help")) as { help: string };
    expect(help).toMatch(/--output +FILE: Where to \(required\)/);
    expect(help).toMatch(/--keep +What to keep +\[array\]/);
  });

  it.each([
    [["a", "b", "-o", "c"], { base: "a", part: ["b"], output: "c" }],
    [["a", "b", "c", "d", "--output=e"], { base: "a", part: ["b", "c", "d"], output: "e" }],
    [["-", "b", "-o", "-"], { base: "-", part: ["b"], output: "-" }],
    [["-o", "x", "a", "b", "c"], { base: "a", part: ["b", "c"], output: "x" }],
    [["-oout", "a", "b"], { base: "a", part: ["b"], output: "out" }],
    [["-ok=v", "a", "b"], { base: "a", part: ["b"], output: "k=v" }],
    [["-o", "x", "a", "--", "-oout"], { base: "a", part: ["-oout"], output: "x" }],
    [["-o", "x", "--", "-a", "--b"], { base: "-a", part: ["--b"], output: "x" }],
    [["1", "0x10", "-o", "007"], { base: "1", part: ["0x10"], output: "007" }],
    [
      ["--keep", "k", "a", "b", "--keep", "l.m", "-o", "x"],
      { base: "a", part: ["b"], output: "x", keep: ["k", "l.m"] },
    ],
    [["a", "b", "-o", "x", "--keep", "-"], { base: "a", part: ["b"], output: "x", keep: ["-"] }],
    [["--keep", "k", "-k", "-", "-", "-o", "-", "-"], { base: "-", part: ["-"], output: "-", keep: ["k", "-"] }],
    [["a", "-o", "x", "--", "--keep", "-"], { base: "a", part: ["--keep", "-"], output: "x" }],
    [["a", "b", "-o", "x", "--jobs", "4"], { base: "a", part: ["b"], output: "x", jobs: 4 }],
    [["a", "b", "-o", "x", "--mode", "slow"], { base: "a", part: ["b"], output: "x", mode: "slow" }],
    [["--keep-names", "a", "b", "-o", "x"], { base: "a", part: ["b"], output: "x", "keep-names": true }],
    [["--json", "--json", "a", "b", "-o", "x"], { base: "a", part: ["b"], output: "x", json: true }],
  ])("reads %j", async (argv, args) => {
    expect(await parsed(...argv)).toEqual({ command: join, args: { ...DEFAULTS, ...args } });
  });

  it.each([
    [["a", "-o", "x"], "join: missing <part>"],
    [["-o", "x"], "join: missing <base> <part>"],
    [["a", "b"], "join needs --output FILE"],
    [["a", "b", "-o", "x", "--base", "c"], "join has no option --base"],
    [["a", "b", "-o"], "join: --output needs a value"],
    [["a", "b", "-o", "x", "--keep", "--json"], "join: --keep needs a value"],
    [["a", "b", "-o", "x", "--keep", "--keep", "-"], "join: --keep needs a value"],
    [["a", "b", "-o", "x", "-o", "y"], "--output is given 2 times"],
    [["a", "b", "-o", "x", "--jobs", "many"], "--jobs: many is not a number"],
    [["a", "b", "-o", "x", "--jobs", ""], "join: --jobs needs a value"],
    [["a", "b", "--output="], "join: --output needs a value"],
    [["a", "", "-o", "x"], "join: <part> is empty"],
    [["", "b", "-o", "x"], "join: <base> is empty"],
    [["a", "b", "-o", "x", "--mode", "slw"], "join: --mode cannot be slw"],
    [["a", "b", "-o", "x", "--no-keep-names"], "join has no option --no-keep-names"],
    [["a", "b", "-o", "x", "--Json"], "join has no option --Json"],
    [["a", "b", "-o", "x", "--keep.a", "1"], "join has no option --keep.a"],
  ])("refuses %j", async (argv, message) => {
    await expect(parsed(...argv)).rejects.toMatchObject({ name: "UsageError", message });
  });

  it("suggests the option that was meant", async () => {
    await expect(parsed("a", "b", "--ouput", "x")).rejects.toMatchObject({ hint: "Did you mean --output?" });
  });
});
