import type { KernelNeed } from "../../lib/prepare/kernel-needs.ts";
import { needyObjects } from "../../lib/prepare/need-text.ts";
import { aFew, counted } from "../table.ts";

/** Objects named before the rest is counted. */
const MOST_LINES = 5;

/** What small BTF cannot stand in for, a line an object: `exec.o needs the running kernel's own BTF: tp_btf/sched_process_exec`. */
export function needLines(
  objects: readonly { readonly name: string; readonly needs: readonly KernelNeed[] }[],
): string[] {
  const needy = needyObjects(objects);
  const lines = needy
    .slice(0, MOST_LINES)
    .map(({ name, required }) => `${name} needs the running kernel's own BTF: ${aFew(required)}`);
  const more = needy.length - lines.length;
  return more > 0
    ? [...lines, `and so ${more === 1 ? "does" : "do"} ${counted(more, "more object")} (--json lists all)`]
    : lines;
}
