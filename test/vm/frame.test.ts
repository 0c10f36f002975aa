import { describe, expect, it } from "vitest";
import { encodeFrame, FrameReader } from "../../vm/frame.ts";

const TEXTS = ["", '{"a":1}', "two\nlines, and what is no ASCII: é∑", "x".repeat(100_000)];
const stream = (texts: readonly string[]) => texts.map((text, i) => encodeFrame(i, text)).join("");

describe("frames", () => {
  it.each([1, 7, 4096, 1 << 20])("come whole in pieces of %i", (size) => {
    const all = stream(TEXTS);
    const reader = new FrameReader();
    const texts: string[] = [];
    for (let at = 0; at < all.length; at += size) texts.push(...reader.take(all.slice(at, at + size)));
    expect(texts).toEqual(TEXTS);
  });

  it("come whole through a terminal, and between a kernel's own lines", () => {
    const chatter = "[    1.2] clocksource: tsc\r\n[    1.3] half a li";
    const all = TEXTS.map((text, i) => chatter + encodeFrame(i, text).replaceAll("\n", "\r\n")).join("");
    expect(new FrameReader().take(all)).toEqual(TEXTS);
  });

  it("waits for a frame's end", () => {
    const reader = new FrameReader();
    const frame = encodeFrame(0, "text");
    expect(reader.take(frame.slice(0, -1))).toEqual([]);
    expect(reader.take("\n")).toEqual(["text"]);
  });

  it.each([
    ["a letter changed", (frame: string) => frame.replace(/:(.)(?=[^:]*\n$)/, (_, c) => (c === "A" ? ":B" : ":A"))],
    ["a letter lost", (frame: string) => frame.replace(/.\n$/, "\n")],
    ["a kernel's line in the middle", (frame: string) => frame.replace(/.\n$/, "[ 1.0] oops\n")],
    ["another length", (frame: string) => frame.replace(/:0:\d+:/, ":0:9999:")],
    ["another sum", (frame: string) => frame.replace(/:[0-9a-f]{8}:/, ":00000000:")],
    ["no number", (frame: string) => frame.replace(":0:", "::")],
  ])("refuses one with %s", (_, damage) => {
    const frame = encodeFrame(0, '{"type":"hello"}');
    expect(damage(frame)).not.toBe(frame);
    expect(() => new FrameReader().take(damage(frame))).toThrow(/^frame 0 is damaged$/);
  });

  it("misses one that is lost, and knows one that comes twice", () => {
    expect(() => new FrameReader().take(encodeFrame(1, "b"))).toThrow("frame 0 is missing: 1 came");
    expect(() => new FrameReader().take(encodeFrame(0, "a") + encodeFrame(0, "a"))).toThrow("frame 1 is missing");
  });
});
