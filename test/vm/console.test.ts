import { describe, expect, it } from "vitest";
import { hasFaulted, hasPanicked, lastWords } from "../../vm/console.ts";

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

  it("tells a processor's exception from the kernel's own decision", () => {
    const fault = `${BOOT}[ 1.0] Oops: double fault: 0000 [#1]\n[ 1.1] Kernel panic - not syncing: Fatal exception\n`;
    expect(hasFaulted(fault)).toBe(true);
    expect(hasFaulted(`${BOOT}[ 1.1] Kernel panic - not syncing: No working init found.\n`)).toBe(false);
    expect(hasFaulted(BOOT)).toBe(false);
  });

  it("is nothing for a kernel that said nothing", () => {
    expect(lastWords("")).toEqual([]);
  });
});
