/**
 * Where the fields of `union bpf_attr` are, in bytes (linux/bpf.h), and how many bytes of it each command is given: a
 * kernel takes fewer than it knows, and more only where they are zero.
 */

/** Commands (enum bpf_cmd); those that bpf_sys_bpf lets a program issue. */
export const MAP_CREATE = 0;
export const MAP_UPDATE = 2;
export const PROG_LOAD = 5;
export const BTF_LOAD = 18;
export const MAP_FREEZE = 22;

/**
 * How often a program is loaded before the answer is EAGAIN: the verifier ends with that where the thread has a signal
 * to see to (Linux kernel/bpf/verifier.c, do_check), as a runtime's own threads send each other; libbpf tries as often
 * (src/bpf.c).
 */
export const LOAD_ATTEMPTS = 5;

export const CREATE = {
  type: 0,
  keySize: 4,
  valueSize: 8,
  maxEntries: 12,
  flags: 16,
  innerMap: 20,
  numaNode: 24,
  name: 28,
  btf: 48,
  keyType: 52,
  valueType: 56,
  extra: 64,
  bytes: 72,
} as const;

export const UPDATE = { map: 0, key: 8, value: 16, bytes: 32 } as const;

export const FREEZE = { map: 0, bytes: 4 } as const;

export const TYPES = { types: 0, log: 8, size: 16, logSize: 20, logLevel: 24, bytes: 28 } as const;

export const LOAD = {
  type: 0,
  count: 4,
  instructions: 8,
  license: 16,
  logLevel: 24,
  logSize: 28,
  log: 32,
  kernelVersion: 40,
  flags: 44,
  name: 48,
  attachType: 68,
  btf: 72,
  functionBytes: 76,
  functions: 80,
  functionCount: 88,
  lineBytes: 92,
  lines: 96,
  lineCount: 104,
  attachId: 108,
  attachBtf: 112,
  relocationCount: 116,
  descriptors: 120,
  /** As much as Linux 5.14 knows. */
  bytes: 128,
  relocations: 128,
  relocationBytes: 136,
  /** With relocations: as much as Linux 5.17 knows. */
  bytesWithRelocations: 140,
} as const;

/** Room for a name, with its NUL (BPF_OBJ_NAME_LEN). */
export const NAME_ROOM = 16;
