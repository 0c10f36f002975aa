/** bpf(2), the few commands that the checker issues itself. Everything it makes is closed at once. */
import { closeSync } from "node:fs";
import { LOAD_ATTEMPTS } from "../lib/loader/attributes.ts";
import { EAGAIN } from "../lib/verify/errno.ts";
import type { BtfVerdict, LoadedProgram } from "../lib/verify/loader-run.ts";
import { CStruct, type Koffi, textIn } from "./native.ts";

/** `__NR_bpf` by Node's name of the architecture: Linux arch/x86/entry/syscalls, include/uapi/asm-generic/unistd.h, ... */
const BPF_SYSCALLS: Readonly<Record<string, number>> = {
  x64: 321,
  arm64: 280,
  riscv64: 280,
  loong64: 280,
  s390x: 351,
  ppc64: 361,
};

/** enum bpf_cmd */
const BPF_PROG_LOAD = 5;
const BPF_OBJ_GET_INFO_BY_FD = 15;
const BPF_BTF_LOAD = 18;

const BPF_PROG_TYPE_SOCKET_FILTER = 1;

/** union bpf_attr, with room to spare; the kernel wants what it does not know to be zero. */
export const ATTR_BYTES = 168;
/** BPF_BTF_LOAD: btf, btf_log_buf, btf_size, btf_log_size, btf_log_level. */
const BTF_ATTR = { btf: 0, log: 8, size: 16, logSize: 20, logLevel: 24 } as const;
/** BPF_PROG_LOAD: prog_type, insn_cnt, insns, license. */
const PROG_ATTR = { type: 0, count: 4, instructions: 8, license: 16 } as const;
/** BPF_OBJ_GET_INFO_BY_FD: bpf_fd, info_len, info. */
const INFO_ATTR = { fd: 0, length: 4, info: 8 } as const;
/** struct bpf_prog_info */
const PROG_INFO_BYTES = 232;
const PROG_INFO = { id: 4, tag: 8, verifiedInstructions: 216 } as const;
const TAG_BYTES = 8;

/** The largest log buffer that every kernel takes (before 5.16: UINT_MAX >> 8). */
export const LOG_BYTES = 0xff_ffff;
/** Of a log only the end is told. */
const LOG_LINES = 60;

/** The kernel's side of bpf(2). */
export interface BpfSyscall {
  /** BPF_BTF_LOAD of raw BTF; what is accepted is let go at once. */
  loadBtf(bytes: Uint8Array): BtfVerdict;
  /** The errno of loading a program that does nothing; 0 where the kernel takes it. */
  tryProgram(): number;
  /** What the kernel knows of a loaded program; null where it does not tell. */
  programInfo(fd: number): LoadedProgram | null;
}

/** One call of bpf(2): a command and its attributes, ATTR_BYTES of them; the result, or the negative errno. */
export type BpfCall = (command: number, attr: CStruct) => number;

/** bpf(2) of this machine as it is; null where its number is not known. */
export function bpfCall(koffi: Koffi): BpfCall | null {
  const number = BPF_SYSCALLS[process.arch];
  if (number === undefined) return null;
  const syscall = koffi.load("libc.so.6").func("long syscall(long number, int command, void *attr, uint32_t size)");
  return (command, attr) => {
    for (let attempt = 1; ; attempt++) {
      const result = Number(syscall(number, command, attr.bytes, ATTR_BYTES));
      if (result >= 0) return result;
      const errno = koffi.errno();
      if (errno !== EAGAIN || command !== BPF_PROG_LOAD || attempt === LOAD_ATTEMPTS) return -errno;
    }
  };
}

/** What the checker asks, by bpf(2). */
export function bpfSyscall(koffi: Koffi, call: BpfCall): BpfSyscall {
  const btfAttr = (bytes: Uint8Array): CStruct => {
    const attr = new CStruct(koffi, ATTR_BYTES);
    attr.setPointer(BTF_ATTR.btf, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    attr.setU32(BTF_ATTR.size, bytes.length);
    return attr;
  };
  return {
    loadBtf(bytes) {
      // Without a log first: with one, a kernel answers ENOSPC where the buffer is too small.
      const fd = call(BPF_BTF_LOAD, btfAttr(bytes));
      if (fd >= 0) {
        closeSync(fd);
        return { accepted: true, errno: 0, log: "" };
      }
      const attr = btfAttr(bytes);
      const log = Buffer.alloc(LOG_BYTES);
      attr.setPointer(BTF_ATTR.log, log);
      attr.setU32(BTF_ATTR.logSize, LOG_BYTES);
      attr.setU32(BTF_ATTR.logLevel, 1);
      const again = call(BPF_BTF_LOAD, attr);
      if (again >= 0) closeSync(again);
      return { accepted: false, errno: -fd, log: endOfLog(textIn(log)) };
    },
    tryProgram() {
      const attr = new CStruct(koffi, ATTR_BYTES);
      // r0 = 0; exit
      const code = Buffer.from("b700000000000000".concat("9500000000000000"), "hex");
      attr.setU32(PROG_ATTR.type, BPF_PROG_TYPE_SOCKET_FILTER);
      attr.setU32(PROG_ATTR.count, 2);
      attr.setPointer(PROG_ATTR.instructions, code);
      attr.setPointer(PROG_ATTR.license, Buffer.from("GPL\0"));
      const fd = call(BPF_PROG_LOAD, attr);
      if (fd < 0) return -fd;
      closeSync(fd);
      return 0;
    },
    programInfo(fd) {
      const info = new CStruct(koffi, PROG_INFO_BYTES);
      const attr = new CStruct(koffi, ATTR_BYTES);
      attr.setU32(INFO_ATTR.fd, fd);
      attr.setU32(INFO_ATTR.length, PROG_INFO_BYTES);
      attr.setPointer(INFO_ATTR.info, info.bytes);
      if (call(BPF_OBJ_GET_INFO_BY_FD, attr) < 0) return null;
      return {
        id: info.u32(PROG_INFO.id),
        tag: info.bytes.toString("hex", PROG_INFO.tag, PROG_INFO.tag + TAG_BYTES),
        verifiedInstructions: info.u32(PROG_INFO.verifiedInstructions),
      };
    },
  };
}

/** The last lines of a log; it may have megabytes. */
export function endOfLog(log: string): string {
  const lines = log.trimEnd().split("\n");
  return lines.slice(-LOG_LINES).join("\n");
}
