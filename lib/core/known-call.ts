import { type Known, type KnownState, overwritten, withoutStack } from "./known-state.ts";

const FIRST_ARGUMENT = 1;
const LAST_ARGUMENT = 5;

/**
 * Helpers that are told with a pointer how many bytes it is for, as pairs of argument registers (linux/bpf.h). Of
 * others it is not known how far they write.
 */
const SIZED: ReadonlyMap<number, readonly [pointer: number, size: number]> = new Map([
  [4, [1, 2]], // probe_read
  [6, [1, 2]], // trace_printk
  [16, [1, 2]], // get_current_comm
  [25, [4, 5]], // perf_event_output
  [26, [3, 4]], // skb_load_bytes
  [45, [1, 2]], // probe_read_str
  [67, [2, 3]], // get_stack
  [112, [1, 2]], // probe_read_user
  [113, [1, 2]], // probe_read_kernel
  [114, [1, 2]], // probe_read_user_str
  [115, [1, 2]], // probe_read_kernel_str
  [130, [2, 3]], // ringbuf_output
]);
/** Helpers that call back with a pointer they were given: for_each_map_elem, timer_set_callback, find_vma, loop, user_ringbuf_drain. */
const CALLING_BACK: ReadonlySet<number> = new Set([164, 170, 180, 181, 209]);

/** The state behind a call, which leaves nothing in the registers of its arguments. */
export function afterCall({ registers, stack }: KnownState, result: Known): KnownState {
  const next = [...registers];
  next.fill("other", FIRST_ARGUMENT, LAST_ARGUMENT + 1);
  next[0] = result;
  return { registers: next, stack };
}

/** True where an argument may point into the function's own stack. */
export function hasStackArgument({ registers }: KnownState): boolean {
  return registers
    .slice(FIRST_ARGUMENT, LAST_ARGUMENT + 1)
    .some((known) => typeof known === "number" || known === "anything");
}

/**
 * The state behind a helper's call: the stack behind each address that it gets is unknown, whether it writes there or
 * only reads (verifiers forget numbers in what a helper reads).
 */
export function afterHelper(state: KnownState, helper: number): KnownState {
  let after = state;
  const [pointer, size] = SIZED.get(helper) ?? [0, 0];
  for (let register = FIRST_ARGUMENT; register <= LAST_ARGUMENT; register++) {
    const address = state.registers[register];
    if (address === "anything" || (typeof address === "number" && CALLING_BACK.has(helper)))
      after = withoutStack(after);
    if (typeof address !== "number") continue;
    const bytes = register === pointer ? state.registers[size] : undefined;
    after = overwritten(after, address, typeof bytes === "bigint" ? Number(bytes) : Number.POSITIVE_INFINITY);
  }
  return afterCall(after, "other");
}
