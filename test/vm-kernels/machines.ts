import { readdirSync, readFileSync } from "node:fs";

/** Process ids of virtual machines whose files are below a directory: their command lines name it. */
export function machinesBelow(directory: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0");
      return words[0]?.includes("qemu") === true && words.some((word) => word.includes(directory));
    } catch {
      return false;
    }
  });
}
