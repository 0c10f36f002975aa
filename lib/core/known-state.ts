/**
 * What is known of a register or a slot of the stack at one place of a program: a number (as u64), an address in the
 * function's own stack (a number of bytes from r10), `other` (neither is known, but it is no address in that stack) or
 * `anything`.
 */
export type Known = bigint | number | "other" | "anything";

/** What is known before an instruction. Whoever walks over instructions changes a copy in place, which is much faster. */
export interface KnownState {
  /** r0 to r10. */
  readonly registers: Known[];
  /** By address in the stack, a multiple of 8; of slots that are not listed anything may be in them. Shared by copies. */
  stack: ReadonlyMap<number, Known>;
}

export const REGISTERS = 11;
/** r10, which points behind the stack. */
export const FRAME_POINTER = 10;
/** Bytes that a verifier keeps track of: of a number only where it was stored whole (linux/bpf.h, BPF_REG_SIZE). */
export const SLOT_BYTES = 8;
/** A program's stack has 512 bytes (linux/filter.h, MAX_BPF_STACK). */
const STACK_BYTES = 512;

const NOTHING_STORED: ReadonlyMap<number, Known> = new Map();

/** The state at a function's beginning; arguments are those of r1 to r5. */
export function entryState(args: readonly Known[]): KnownState {
  const registers: Known[] = new Array(REGISTERS).fill("other");
  args.forEach((known, i) => {
    // An address in the caller's stack is none in this function's.
    registers[i + 1] = typeof known === "bigint" ? known : "other";
  });
  registers[FRAME_POINTER] = 0;
  return { registers, stack: NOTHING_STORED };
}

/** A copy to change. */
export function copyState({ registers, stack }: KnownState): KnownState {
  return { registers: registers.slice(), stack };
}

/** What a load of some bytes finds. */
export function loaded({ stack }: KnownState, address: Known, offset: number, bytes: number): Known {
  // Less than a whole address is none; and only the stack has addresses that a verifier knows again.
  if (bytes < SLOT_BYTES || address === "other" || typeof address === "bigint") return "other";
  return address === "anything" ? "anything" : (stack.get(address + offset) ?? "anything");
}

/** Stores some bytes. */
export function store(state: KnownState, address: Known, offset: number, bytes: number, known: Known): void {
  if (typeof address !== "number") {
    if (address === "anything") forgetStack(state);
    return;
  }
  const at = address + offset;
  overwrite(state, at, bytes);
  if (bytes !== SLOT_BYTES || at % SLOT_BYTES !== 0 || at < -STACK_BYTES || at >= 0) return;
  state.stack = new Map(state.stack).set(at, known);
}

/** Writes something unknown to some bytes of the stack. */
export function overwrite(state: KnownState, at: number, bytes: number): void {
  if (state.stack.size === 0) return;
  const kept = [...state.stack].filter(([slot]) => slot + SLOT_BYTES <= at || slot >= at + bytes);
  if (kept.length !== state.stack.size) state.stack = new Map(kept);
}

/** Forgets the stack: anything may have been written anywhere in it. */
export function forgetStack(state: KnownState): void {
  state.stack = NOTHING_STORED;
}

/** True where everything that a state knows holds in another, too. */
export function covers(wide: KnownState, narrow: KnownState): boolean {
  for (let i = 0; i < REGISTERS; i++) if (!holdsIn(wide.registers[i], narrow.registers[i])) return false;
  for (const [slot, known] of wide.stack) if (!holdsIn(known, narrow.stack.get(slot))) return false;
  return true;
}

function holdsIn(wide: Known | undefined, narrow: Known | undefined): boolean {
  if (wide === narrow || wide === "anything") return true;
  return wide === "other" && typeof narrow === "bigint";
}

/** What holds in both states. */
export function joined(a: KnownState, b: KnownState): KnownState {
  const registers = a.registers.map((known, i) => joinedKnown(known, b.registers[i] ?? "anything"));
  const stack = new Map<number, Known>();
  for (const [slot, known] of a.stack) {
    const both = joinedKnown(known, b.stack.get(slot) ?? "anything");
    if (both !== "anything") stack.set(slot, both);
  }
  return { registers, stack };
}

/** What holds of both. */
export function joinedKnown(a: Known, b: Known): Known {
  if (a === b) return a;
  const mayBeAddress = (known: Known) => typeof known === "number" || known === "anything";
  return mayBeAddress(a) || mayBeAddress(b) ? "anything" : "other";
}
