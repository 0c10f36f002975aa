/** The host throws, and so ends the call: the two BTFs are too large for 4 GiB of memory. */
declare function tooLarge(): void;

const PAGE_SHIFT = 16;
/** Of 64 KiB each; 4 GiB less one page, so that the end of memory is an address, too. */
const MOST_PAGES: u64 = 0xffff;

/** The first free byte. What was never allocated is zero. */
let top: u64 = __heap_base;

/** Address of so many zeroed bytes, in 8-byte steps. Nothing is given back: an instance serves one diff. */
export function allocate(bytes: u64): usize {
  const start = top;
  top = (start + bytes + 7) & ~7;
  const pages = (top + ((1 << PAGE_SHIFT) - 1)) >> PAGE_SHIFT;
  const present = <u64>memory.size();
  if (pages > MOST_PAGES) tooLarge();
  if (pages > present && memory.grow(<i32>(pages - present)) < 0) tooLarge();
  return <usize>start;
}

/** Address of so many zeroed 32-bit words. */
export function allocateWords(count: u64): usize {
  return allocate(count << 2);
}

/** An element of an array of 32-bit words. */
export function get(array: usize, index: i32): i32 {
  return load<i32>(array + ((<usize>index) << 2));
}

/** Sets an element of an array of 32-bit words. */
export function set(array: usize, index: i32, value: i32): void {
  store<i32>(array + ((<usize>index) << 2), value);
}

/** Slots of a table for so many entries: a power of two, so that at most four fifths are taken. */
export function slotsFor(entries: i32): i32 {
  let slots = 8;
  while (slots < entries + (entries >> 2)) slots *= 2;
  return slots;
}
