import { describe, expect, it } from "vitest";
import { hasPanicked, lastWords } from "../../vm/console.ts";

const BOOT = "[    0.000000] Linux version 6.1.0\r\n[    0.1] Memory: 1G\r\n";

describe("lastWords", () => {
  it("starts at what went wrong, without times", () => {
    const text = `${BOOT}[    2.5][    T1] Kernel panic - not syncing: VFS: no root\r\n[    2.6] CPU: 0 PID: 1\r\n`;
    expect(lastWords(text)).toEqual(["Kernel panic - not syncing: VFS: no root", "CPU: 0 PID: 1"]);
    expect(hasPanicked(text)).toBe(true);
  });

  it("is the end of a console without such a line", () => {
    expect(lastWords(BOOT)).toEqual(["Linux version 6.1.0", "Memory: 1G"]);
    expect(hasPanicked(BOOT)).toBe(false);
  });

  it("is nothing for a kernel that said nothing", () => {
    expect(lastWords("")).toEqual([]);
  });
});
