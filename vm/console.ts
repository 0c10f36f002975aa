/** What a guest's kernel wrote to its console, cut down to what says why it ended. */
const PANIC = /Kernel panic|not syncing|BUG:|Oops|Out of memory|Unable to mount|No working init/;
const LINES = 6;

/** The lines that say why a kernel gave up, or its last ones; empty for a console that stayed silent. */
export function lastWords(console: string): string[] {
  const lines = console
    .split("\n")
    .map((line) => line.replace(/^\[ *[\d.]+\](\[ *[TC]\d+\])? /, "").trimEnd())
    .filter((line) => line !== "");
  const at = lines.findIndex((line) => PANIC.test(line));
  return at === -1 ? lines.slice(-LINES) : lines.slice(at, at + LINES);
}

/** True where the kernel gave up. */
export function hasPanicked(console: string): boolean {
  return /Kernel panic/.test(console);
}

/** True where the kernel could not unpack its root file system, or ended processes, for want of memory. */
export function isShortOfMemory(console: string): boolean {
  return /Out of memory|oom-kill|Initramfs unpacking failed: write error|deadlocked on memory|initrd is too large/.test(
    console,
  );
}

/** True where a processor's exception ended the kernel, not its own decision. */
export function hasFaulted(console: string): boolean {
  return /double fault|general protection|invalid opcode|unable to handle/.test(console) && hasPanicked(console);
}
