import { type ProgramType, programTypeNumber } from "./program-type.ts";

/** What a program's section says about it. */
export interface ProgramSection {
  readonly type: ProgramType;
  /** `enum bpf_prog_type`. */
  readonly typeNumber: number;
  /** `enum bpf_attach_type`: the expected attach type. */
  readonly attachType: number;
  /** `prog_flags` of BPF_PROG_LOAD. */
  readonly flags: number;
  /** True where the loader looks a type of the kernel up by the section's name and passes its id. */
  readonly attachesByType: boolean;
}

/** `prog_flags` (linux/bpf.h). */
const SLEEPABLE = 1 << 4;
const XDP_HAS_FRAGS = 1 << 5;

/** Stand-ins for flags in the table: the attach target is a type of the kernel. */
const BY_TYPE = 1 << 16;
const FLAG_MASK = BY_TYPE - 1;

type Row = readonly [section: string, type: ProgramType, attachType?: number, flags?: number];

/** A sleepable twin behind each: `fentry+` and `fentry.s+`. */
function withSleepable(base: string, type: ProgramType, attachType = 0, flags = 0): Row[] {
  return [
    [`${base}+`, type, attachType, flags],
    [`${base}.s+`, type, attachType, flags | SLEEPABLE],
  ];
}

/**
 * Sections in the order in which they are tried; `+` at the end: the name alone or with `/...` behind it, else the name
 * must be equal. Attach types are those of linux/bpf.h. (libbpf.c, section_defs, as of July 2026: earlier releases know
 * fewer, and refuse to guess.)
 */
const ROWS: readonly Row[] = [
  ["socket", "socket_filter"],
  ["sk_reuseport/migrate", "sk_reuseport", 40],
  ["sk_reuseport", "sk_reuseport", 39],
  ["kprobe+", "kprobe"],
  ...withSleepable("uprobe", "kprobe"),
  ["kretprobe+", "kprobe"],
  ...withSleepable("uretprobe", "kprobe"),
  ["kprobe.multi+", "kprobe", 42],
  ["kretprobe.multi+", "kprobe", 42],
  ["kprobe.session+", "kprobe", 56],
  ...withSleepable("uprobe.multi", "kprobe", 48),
  ...withSleepable("uretprobe.multi", "kprobe", 48),
  ...withSleepable("uprobe.session", "kprobe", 57),
  ["ksyscall+", "kprobe"],
  ["kretsyscall+", "kprobe"],
  ...withSleepable("usdt", "kprobe"),
  ["tc/ingress", "sched_cls", 46],
  ["tc/egress", "sched_cls", 47],
  ["tcx/ingress", "sched_cls", 46],
  ["tcx/egress", "sched_cls", 47],
  ["tc", "sched_cls"],
  ["classifier", "sched_cls"],
  ["action", "sched_act"],
  ["netkit/primary", "sched_cls", 54],
  ["netkit/peer", "sched_cls", 55],
  ...withSleepable("tracepoint", "tracepoint"),
  ...withSleepable("tp", "tracepoint"),
  ...withSleepable("raw_tracepoint", "raw_tracepoint"),
  ...withSleepable("raw_tp", "raw_tracepoint"),
  ["raw_tracepoint.w+", "raw_tracepoint_writable"],
  ["raw_tp.w+", "raw_tracepoint_writable"],
  ...withSleepable("tp_btf", "tracing", 23, BY_TYPE),
  ...withSleepable("fentry", "tracing", 24, BY_TYPE),
  ...withSleepable("fmod_ret", "tracing", 26, BY_TYPE),
  ...withSleepable("fexit", "tracing", 25, BY_TYPE),
  ...withSleepable("fsession", "tracing", 58, BY_TYPE),
  ...withSleepable("fentry.multi", "tracing", 59),
  ...withSleepable("fexit.multi", "tracing", 60),
  ...withSleepable("fsession.multi", "tracing", 61),
  ["freplace+", "ext", 0, BY_TYPE],
  ...withSleepable("lsm", "lsm", 27, BY_TYPE),
  ["lsm_cgroup+", "lsm", 43, BY_TYPE],
  ...withSleepable("iter", "tracing", 28, BY_TYPE),
  ["syscall", "syscall", 0, SLEEPABLE],
  ["xdp.frags/devmap", "xdp", 33, XDP_HAS_FRAGS],
  ["xdp/devmap", "xdp", 33],
  ["xdp.frags/cpumap", "xdp", 35, XDP_HAS_FRAGS],
  ["xdp/cpumap", "xdp", 35],
  ["xdp.frags", "xdp", 37, XDP_HAS_FRAGS],
  ["xdp", "xdp", 37],
  ["perf_event", "perf_event"],
  ["lwt_in", "lwt_in"],
  ["lwt_out", "lwt_out"],
  ["lwt_xmit", "lwt_xmit"],
  ["lwt_seg6local", "lwt_seg6local"],
  ["sockops", "sock_ops", 3],
  ["sk_skb/stream_parser", "sk_skb", 4],
  ["sk_skb/stream_verdict", "sk_skb", 5],
  ["sk_skb/verdict", "sk_skb", 38],
  ["sk_skb", "sk_skb"],
  ["sk_msg", "sk_msg", 7],
  ["lirc_mode2", "lirc_mode2", 16],
  ["flow_dissector", "flow_dissector", 17],
  ["cgroup_skb/ingress", "cgroup_skb", 0],
  ["cgroup_skb/egress", "cgroup_skb", 1],
  ["cgroup/skb", "cgroup_skb"],
  ["cgroup/sock_create", "cgroup_sock", 2],
  ["cgroup/sock_release", "cgroup_sock", 34],
  ["cgroup/sock", "cgroup_sock", 2],
  ["cgroup/post_bind4", "cgroup_sock", 12],
  ["cgroup/post_bind6", "cgroup_sock", 13],
  ["cgroup/bind4", "cgroup_sock_addr", 8],
  ["cgroup/bind6", "cgroup_sock_addr", 9],
  ["cgroup/connect4", "cgroup_sock_addr", 10],
  ["cgroup/connect6", "cgroup_sock_addr", 11],
  ["cgroup/connect_unix", "cgroup_sock_addr", 49],
  ["cgroup/sendmsg4", "cgroup_sock_addr", 14],
  ["cgroup/sendmsg6", "cgroup_sock_addr", 15],
  ["cgroup/sendmsg_unix", "cgroup_sock_addr", 50],
  ["cgroup/recvmsg4", "cgroup_sock_addr", 19],
  ["cgroup/recvmsg6", "cgroup_sock_addr", 20],
  ["cgroup/recvmsg_unix", "cgroup_sock_addr", 51],
  ["cgroup/getpeername4", "cgroup_sock_addr", 29],
  ["cgroup/getpeername6", "cgroup_sock_addr", 30],
  ["cgroup/getpeername_unix", "cgroup_sock_addr", 52],
  ["cgroup/getsockname4", "cgroup_sock_addr", 31],
  ["cgroup/getsockname6", "cgroup_sock_addr", 32],
  ["cgroup/getsockname_unix", "cgroup_sock_addr", 53],
  ["cgroup/sysctl", "cgroup_sysctl", 18],
  ["cgroup/getsockopt", "cgroup_sockopt", 21],
  ["cgroup/setsockopt", "cgroup_sockopt", 22],
  ["cgroup/dev", "cgroup_device", 6],
  ...withSleepable("struct_ops", "struct_ops"),
  ["sk_lookup", "sk_lookup", 36],
  ["netfilter", "netfilter", 45],
];

/** What a section's name (without the `?` of a program not loaded by default) makes of a program; null for nothing known. */
export function programSection(name: string): ProgramSection | null {
  const row = ROWS.find(([section]) => matches(section, name));
  if (row === undefined) return null;
  const [, type, attachType = 0, flags = 0] = row;
  return {
    type,
    typeNumber: programTypeNumber(type),
    attachType,
    flags: flags & FLAG_MASK,
    attachesByType: (flags & BY_TYPE) !== 0,
  };
}

function matches(section: string, name: string): boolean {
  if (!section.endsWith("+")) return section === name;
  const stem = section.slice(0, -1);
  return name === stem || name.startsWith(`${stem}/`);
}
