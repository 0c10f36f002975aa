/** `enum bpf_map_type` of Linux `include/uapi/linux/bpf.h`, in its order; a type's number is its place. */
const MAP_TYPES = [
  "unspec",
  "hash",
  "array",
  "prog_array",
  "perf_event_array",
  "percpu_hash",
  "percpu_array",
  "stack_trace",
  "cgroup_array",
  "lru_hash",
  "lru_percpu_hash",
  "lpm_trie",
  "array_of_maps",
  "hash_of_maps",
  "devmap",
  "sockmap",
  "cpumap",
  "xskmap",
  "sockhash",
  "cgroup_storage",
  "reuseport_sockarray",
  "percpu_cgroup_storage",
  "queue",
  "stack",
  "sk_storage",
  "devmap_hash",
  "struct_ops",
  "ringbuf",
  "inode_storage",
  "task_storage",
  "bloom_filter",
  "user_ringbuf",
  "cgrp_storage",
  "arena",
  "insn_array",
  "rhash",
] as const;

type KnownMapType = (typeof MAP_TYPES)[number];

/** The number that bpf(2) takes for a type. */
export function mapTypeNumber(type: KnownMapType): number {
  return MAP_TYPES.indexOf(type);
}

/** A type's name as bpftool writes it; `type<n>` for one this library does not know. */
export function mapTypeName(type: number): string {
  return MAP_TYPES[type] ?? `type${type}`;
}

/** True for the two types whose values are maps. */
export function isMapInMap(type: number): boolean {
  return type === mapTypeNumber("array_of_maps") || type === mapTypeNumber("hash_of_maps");
}

/** Types of maps for which a loader passes no BTF, as kernels refuse them with it (libbpf.c, bpf_object__create_map). */
const WITHOUT_BTF = numbersOf([
  "perf_event_array",
  "cgroup_array",
  "stack_trace",
  "array_of_maps",
  "hash_of_maps",
  "devmap",
  "devmap_hash",
  "cpumap",
  "xskmap",
  "sockmap",
  "sockhash",
  "queue",
  "stack",
  "arena",
]);

/** False where key and value types are dropped before the map is created. */
export function takesBtf(type: number): boolean {
  return !WITHOUT_BTF.has(type);
}

/** Types of maps that have no number of entries: a kernel wants it to be 0 (bpf_local_storage.c, local_storage.c). */
const WITHOUT_ENTRIES = numbersOf([
  "cgroup_storage",
  "percpu_cgroup_storage",
  "sk_storage",
  "inode_storage",
  "task_storage",
  "cgrp_storage",
]);

/** True for a map of 0 entries that a kernel does not create so: its user is to say how many. */
export function wantsEntries({ type, maxEntries }: { readonly type: number; readonly maxEntries: number }): boolean {
  return maxEntries === 0 && !WITHOUT_ENTRIES.has(type);
}

function numbersOf(types: readonly KnownMapType[]): ReadonlySet<number> {
  return new Set(types.map(mapTypeNumber));
}
