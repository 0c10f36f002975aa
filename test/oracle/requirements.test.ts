import { expect, it } from "vitest";
import { missingOracle, type OracleName, oracleIt, oracleState } from "./requirements.ts";

const NAMES: readonly OracleName[] = [
  "bpftool",
  "libbpf",
  "clang",
  "pahole",
  "libbpf-tools",
  "bpf",
  "s390x",
  "chromium",
];

it.each(NAMES)("%s is there with a version, or a reason is given", (name) => {
  const state = oracleState(name);
  const said = state.present ? state.version : state.reason;
  expect(said).toMatch(/\w/);
  expect(missingOracle([name])).toBe(state.present ? undefined : said);
});

it("names the first oracle that is missing", () => {
  const absent = NAMES.filter((name) => !oracleState(name).present);
  expect(missingOracle(NAMES)).toBe(absent[0] === undefined ? undefined : missingOracle([absent[0]]));
  expect(missingOracle([])).toBeUndefined();
});

oracleIt("runs a test whose oracles are there", ["clang"], () => {
  expect(oracleState("clang")).toMatchObject({ present: true });
});
