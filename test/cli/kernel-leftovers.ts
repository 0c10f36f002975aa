/** What is in the kernel of BPF: to see that a command leaves nothing of its own there, however it ends. */
import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { runProcess } from "../oracle/process.ts";

const KINDS = ["prog", "map", "btf", "link"] as const;
const PINS = "/sys/fs/bpf";
const TRIES = 100;
const PAUSE_MS = 100;

/** `prog 12`, `map 3`, ... of all there are, and `pin PATH` below the BPF file system. */
export function bpfObjects(): Set<string> {
  const ids = KINDS.flatMap((kind) => {
    const { stdout } = runProcess(["bpftool", "-j", kind, "show"]);
    const list = JSON.parse(Buffer.from(stdout).toString() || "[]") as readonly { readonly id: number }[];
    return list.map(({ id }) => `${kind} ${id}`);
  });
  const pins = readdirSync(PINS, { recursive: true }).map((name) => `pin ${name.toString()}`);
  return new Set([...ids, ...pins]);
}

/**
 * What has come since, and stays. Ids are not given twice, so that what others make for a while meanwhile is waited
 * for, too: the kernel itself lets go of what nobody holds a moment later.
 */
export async function leftSince(before: ReadonlySet<string>): Promise<string[]> {
  let left = [...bpfObjects()].filter((one) => !before.has(one));
  for (let tries = 0; left.length > 0 && tries < TRIES; tries++) {
    await sleep(PAUSE_MS);
    const now = bpfObjects();
    left = left.filter((one) => now.has(one));
  }
  return left;
}
