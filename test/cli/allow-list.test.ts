import { describe, expect, it } from "vitest";
import { parseAllowList } from "../../cli/inputs/allow-list.ts";

const place = {
  object: "build/a.o#exec",
  section: "kprobe/x",
  program: "on_exec",
  instruction: 3,
  source: null,
  kind: "byte_off",
  path: "task_struct.a[3].b",
};

describe("a rule of an allow-list", () => {
  it.each([
    ["build/a.o#exec:on_exec:task_struct.a[3].b", true],
    ["a.o#exec:on_exec:task_struct.a[3].b", true],
    ["a.o:on_exec:task_struct.a[3].b", false],
    ["*:*:*", true],
    ["*:*:*:byte_off", true],
    ["*:*:*:byte_sz", false],
    ["*:on_*:task_struct.*", true],
    ["*:on_:*", false],
    ["*:*:task_struct", false],
    ["*:*:task_struct.a?3?.b", true],
    ["  *: on_exec :*   # said why", true],
  ])("%s: %s", (rule, expected) => {
    expect(parseAllowList(rule, "allow").map(({ accepts }) => accepts(place))).toEqual([expected]);
  });

  it("names an enumerator by its path, and code outside of programs by its section", () => {
    const [enumerator, section] = parseAllowList("*:*:pid_type::PIDTYPE_*\n*:kprobe/?:*", "allow");
    expect(enumerator?.accepts({ ...place, path: "pid_type::PIDTYPE_PID" })).toBe(true);
    expect(enumerator?.accepts(place)).toBe(false);
    expect(section?.accepts({ ...place, program: null })).toBe(true);
    expect(section?.accepts(place)).toBe(false);
  });

  it("knows its line; comments and empty lines are none", () => {
    const rules = parseAllowList("# first\n\n*:*:*\r\n  # last\na#b:c:d", "allow");
    expect(rules.map(({ line, text }) => [line, text])).toEqual([
      [3, "*:*:*"],
      [5, "a#b:c:d"],
    ]);
  });

  it.each(["a", "a:b", "a::b:c", ":b:c", "a:b:", "a:b:c:d:e", "a:b:c:"])("refuses %s", (rule) => {
    expect(() => parseAllowList(`\n${rule}`, "allow")).toThrow(`allow:2: "${rule}" is no rule`);
  });
});
