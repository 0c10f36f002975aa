/**
 * Makes an object's maps ones that can be created here, by what libbpf allows: what the object's own program would set
 * before it loads them (a number of entries, the size of a stack) is set, what is large is made small, and nothing is
 * pinned. Programs do not see the difference, but for maps of a size that the verifier reckons with.
 */
import type { Libbpf } from "./libbpf.ts";
import type { Pointer } from "./native.ts";

/** enum bpf_map_type, those with rules of their own. */
const PERF_EVENT_ARRAY = 4;
const PERCPU_HASH = 5;
const PERCPU_ARRAY = 6;
const STACK_TRACE = 7;
const LRU_PERCPU_HASH = 10;
const CGROUP_STORAGE = 19;
const PERCPU_CGROUP_STORAGE = 21;
const SK_STORAGE = 24;
const STRUCT_OPS = 26;
const RINGBUF = 27;
const INODE_STORAGE = 28;
const TASK_STORAGE = 29;
const USER_RINGBUF = 31;
const CGRP_STORAGE = 32;
const ARENA = 33;

const PER_CPU: ReadonlySet<number> = new Set([PERCPU_HASH, PERCPU_ARRAY, LRU_PERCPU_HASH]);
const RINGS: ReadonlySet<number> = new Set([RINGBUF, USER_RINGBUF]);
/** Maps whose number of entries is 0, or set by libbpf. */
const WITHOUT_ENTRIES: ReadonlySet<number> = new Set([
  PERF_EVENT_ARRAY,
  CGROUP_STORAGE,
  PERCPU_CGROUP_STORAGE,
  SK_STORAGE,
  STRUCT_OPS,
  INODE_STORAGE,
  TASK_STORAGE,
  CGRP_STORAGE,
]);

/** A ring buffer's size is a power of two and of whole pages; 64 KiB is that everywhere. */
const RING_BYTES = 1 << 16;
/** What a map may take of the kernel's memory. */
const MOST_BYTES = 1 << 24;
/** Addresses of a stack: the kernel's PERF_MAX_STACK_DEPTH, 8 bytes each. */
const STACK_BYTES = 127 * 8;

/** Room to give: what is reasonable, or as little as there can be. */
export type MapRoom = "enough" | "least";

/** Adjusts the maps of an opened object, and says what was changed, a sentence each. */
export function adjustMaps(libbpf: Libbpf, object: Pointer, room: MapRoom, processors: number): string[] {
  return libbpf.maps(object).flatMap((map) => adjustMap(libbpf, map, room, processors));
}

function adjustMap({ map: functions }: Libbpf, map: Pointer, room: MapRoom, processors: number): string[] {
  const name = functions.name(map);
  const type = functions.type(map);
  const changes: string[] = [];
  if (functions.pinPath(map) !== null) {
    functions.clearPinPath(map);
    changes.push(`map ${name} is not pinned`);
  }
  if (functions.isInternal(map) || type === ARENA) return changes;
  if (type === STACK_TRACE && functions.valueSize(map) === 0) {
    functions.setValueSize(map, STACK_BYTES);
    changes.push(`map ${name} is given values of ${STACK_BYTES} bytes: its program sets their size`);
  }
  const entries = functions.maxEntries(map);
  if (WITHOUT_ENTRIES.has(type)) return changes;
  if (entries === 0) {
    const given = RINGS.has(type) ? RING_BYTES : 1;
    functions.setMaxEntries(map, given);
    changes.push(`map ${name} is given ${counted(given, type)}: its program sets their number`);
    return changes;
  }
  const most = mostEntries(functions, map, type, room, processors);
  if (entries > most) {
    functions.setMaxEntries(map, most);
    changes.push(`map ${name} has ${counted(most, type)} instead of ${entries}`);
  }
  return changes;
}

function mostEntries(functions: Libbpf["map"], map: Pointer, type: number, room: MapRoom, processors: number): number {
  if (RINGS.has(type)) return room === "least" ? RING_BYTES : MOST_BYTES;
  if (room === "least") return 1;
  const value = Math.ceil(functions.valueSize(map) / 8) * 8 * (PER_CPU.has(type) ? processors : 1);
  return Math.max(1, Math.floor(MOST_BYTES / (functions.keySize(map) + value + 8)));
}

function counted(entries: number, type: number): string {
  if (RINGS.has(type)) return `${entries} bytes`;
  return entries === 1 ? "1 entry" : `${entries} entries`;
}
