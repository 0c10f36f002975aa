import { forgetStack, type Known, type KnownState, overwrite } from "./known-state.ts";

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
/** Those that call back with a pointer they were given: for_each_map_elem, timer_set_callback, find_vma, loop, user_ringbuf_drain. */
const CALLING_BACK: ReadonlySet<number> = new Set([164, 170, 180, 181, 209]);

/** What any call does to registers: nothing is left of its arguments. */
export function finishCall({ registers }: KnownState, result: Known): void {
  registers.fill("other", FIRST_ARGUMENT, LAST_ARGUMENT + 1);
  registers[0] = result;
}

/** What is known of the arguments, r1 to r5. */
export function argumentsOf({ registers }: KnownState): Known[] {
  return registers.slice(FIRST_ARGUMENT, LAST_ARGUMENT + 1);
}

/** A call of a function of which nothing is known but its arguments: through one of them it may write to the stack. */
export function callAnything(state: KnownState, result: Known = "other"): void {
  if (argumentsOf(state).some((known) => typeof known === "number" || known === "anything")) forgetStack(state);
  finishCall(state, result);
}

/**
 * A helper's call: the stack behind each address that it gets is unknown then, whether it writes there or only reads
 * (verifiers forget numbers in what a helper reads).
 */
export function callHelper(state: KnownState, helper: number): void {
  const [pointer, size] = SIZED.get(helper) ?? [0, 0];
  for (let register = FIRST_ARGUMENT; register <= LAST_ARGUMENT; register++) {
    const address = state.registers[register];
    if (address === "anything" || (typeof address === "number" && CALLING_BACK.has(helper))) forgetStack(state);
    if (typeof address !== "number") continue;
    const bytes = register === pointer ? state.registers[size] : undefined;
    overwrite(state, address, typeof bytes === "bigint" ? Number(bytes) : Number.POSITIVE_INFINITY);
  }
  finishCall(state, "other");
}
