import { describe, expect, it } from "vitest";
import { buildStringTable, byteText, offsetOf } from "../../lib/minimize/string-table.ts";
import { cpuMilliseconds } from "../cpu-time.ts";

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

describe("a string table", () => {
  it.each<[name: string, texts: string[], bytes: string]>([
    ["has the empty string first", [], "\0"],
    ["holds each string once", ["a", "b", "a", ""], "\0a\0b\0"],
    ["holds a tail inside the longer string", ["pid", "tgpid", "d"], "\0tgpid\0"],
    ["takes the longest holder of a tail", ["id", "pid", "tgpid", "uid"], "\0tgpid\0uid\0"],
    ["does not take a head or a middle for a tail", ["tg", "tgpid", "gp"], "\0tg\0tgpid\0gp\0"],
    ["keeps any byte", ["\u0080\u00ff", "\u00ff"], "\0\u0080\u00ff\0"],
  ])("%s", (_name, texts, bytes) => {
    const table = buildStringTable(texts);
    expect(text(table.bytes)).toBe(bytes);
    for (const one of texts) expect(byteText(table.bytes, offsetOf(table, one))).toBe(one);
  });

  it("goes on where its base ends, and uses what that has", () => {
    const base = buildStringTable(["sock", "family"]);
    const table = buildStringTable(["family", "veth", "", "eth"], base);
    expect(table.start).toBe(base.bytes.length);
    expect(text(table.bytes)).toBe("veth\0");
    expect(offsetOf(table, "family")).toBe(offsetOf(base, "family"));
    expect(offsetOf(table, "")).toBe(0);
    expect([offsetOf(table, "veth"), offsetOf(table, "eth")]).toEqual([table.start, table.start + 1]);
    expect(text(buildStringTable(["family"], base).bytes)).toBe("");
  });

  it("does not know what was not asked for", () => {
    expect(() => offsetOf(buildStringTable(["a"]), "b")).toThrow(RangeError);
  });

  it("takes 10,000 strings in no time, and is no larger than without tails", () => {
    const texts = Array.from({ length: 10_000 }, (_, i) => `${"x".repeat(i % 50)}${i}`);
    const before = cpuMilliseconds();
    const table = buildStringTable(texts);
    expect(cpuMilliseconds() - before).toBeLessThan(1000);
    expect(table.bytes.length).toBeLessThanOrEqual(texts.reduce((sum, one) => sum + one.length + 1, 1));
    for (const one of texts) expect(byteText(table.bytes, offsetOf(table, one))).toBe(one);
  });
});
