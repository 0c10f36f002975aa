/** `enum bpf_prog_type` of Linux `include/uapi/linux/bpf.h`, in its order; a type's number is its place. */
const PROGRAM_TYPES = [
  "unspec",
  "socket_filter",
  "kprobe",
  "sched_cls",
  "sched_act",
  "tracepoint",
  "xdp",
  "perf_event",
  "cgroup_skb",
  "cgroup_sock",
  "lwt_in",
  "lwt_out",
  "lwt_xmit",
  "sock_ops",
  "sk_skb",
  "cgroup_device",
  "sk_msg",
  "raw_tracepoint",
  "cgroup_sock_addr",
  "lwt_seg6local",
  "lirc_mode2",
  "sk_reuseport",
  "flow_dissector",
  "cgroup_sysctl",
  "raw_tracepoint_writable",
  "cgroup_sockopt",
  "tracing",
  "struct_ops",
  "ext",
  "lsm",
  "sk_lookup",
  "syscall",
  "netfilter",
] as const;

/** A program's type, as bpftool writes it. */
export type ProgramType = (typeof PROGRAM_TYPES)[number];

/** The number that bpf(2) takes for a type. */
export function programTypeNumber(type: ProgramType): number {
  return PROGRAM_TYPES.indexOf(type);
}

/** A type's name by its number; `type<n>` for one this library does not know. */
export function programTypeName(type: number): string {
  return PROGRAM_TYPES[type] ?? `type${type}`;
}
