/** BPF instruction encoding, as far as relocating needs it. Source: Linux include/uapi/linux/bpf.h, bpf_common.h. */

/** Bytes of one instruction. */
export const INSN_BYTES = 8;

/** Byte positions inside an instruction. */
export const INSN_REGS = 1;
export const INSN_OFF = 2;
export const INSN_IMM = 4;

export const CLASS_MASK = 0x07;
export const CLASS_LD = 0x00;
export const CLASS_LDX = 0x01;
export const CLASS_ST = 0x02;
export const CLASS_STX = 0x03;
export const CLASS_ALU = 0x04;
export const CLASS_JMP = 0x05;
export const CLASS_JMP32 = 0x06;
export const CLASS_ALU64 = 0x07;

export const SIZE_MASK = 0x18;
export const SOURCE_MASK = 0x08;
/** What an instruction of the ALU and JMP classes does. */
export const OPERATION_MASK = 0xf0;
export const JMP_ALWAYS = 0x00;
export const JMP_CALL = 0x80;
export const JMP_EXIT = 0x90;

/** `BPF_LD | BPF_IMM | BPF_DW`: a 64-bit immediate in two instructions. */
export const OP_LDIMM64 = 0x18;
/** `BPF_JMP | BPF_CALL`. */
export const OP_CALL = 0x85;

/** In a call's source register: the target is another function, not a helper (BPF_PSEUDO_CALL). */
export const PSEUDO_CALL = 1;

/** The helper number of a poisoned instruction: 0xbad2310, "bad relo" (libbpf: bpf_core_poison_insn). */
export const POISON_HELPER = 195896080;

/** Bytes a load or store moves, from its opcode's size bits. */
export function accessBytes(opcode: number): number {
  switch (opcode & SIZE_MASK) {
    case 0x18:
      return 8;
    case 0x00:
      return 4;
    case 0x08:
      return 2;
    default:
      return 1;
  }
}

/** Size bits of an opcode for a number of bytes; -1 when there are none. */
export function sizeBits(bytes: number): number {
  switch (bytes) {
    case 8:
      return 0x18;
    case 4:
      return 0x00;
    case 2:
      return 0x08;
    case 1:
      return 0x10;
    default:
      return -1;
  }
}
