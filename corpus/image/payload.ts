import { startsWith } from "../codec/detect.ts";

/** What a kernel image is, and where its compressed kernel lies. */
export interface ImageLayout {
  /** BTFHub's name of the architecture where the image's kind says it, else null. */
  readonly arch: string | null;
  /** The compressed kernel's place, where a header says it; `size` is null where only the start is known. */
  readonly payload: { readonly start: number; readonly size: number } | null;
}

/** x86's boot protocol (Documentation/arch/x86/boot.rst). */
const SETUP_SECTORS_AT = 0x1f1;
const BOOT_MAGIC_AT = 0x202;
const BOOT_MAGIC = [0x48, 0x64, 0x72, 0x53];
const BOOT_VERSION_AT = 0x206;
/** The first version with payload_offset and payload_length. */
const BOOT_VERSION_WITH_PAYLOAD = 0x0208;
const BOOT_PAYLOAD_AT = 0x248;
const BOOT_PAYLOAD_SIZE_AT = 0x24c;
const XLOADFLAGS_AT = 0x236;
const XLF_KERNEL_64 = 1;
const SECTOR_BYTES = 512;
const DEFAULT_SETUP_SECTORS = 4;

/** EFI's compressed images (drivers/firmware/efi/libstub/zboot-header.S): `MZ`, `zimg`, payload's place and size. */
const MZ = [0x4d, 0x5a];
const ZBOOT_MAGIC_AT = 4;
const ZBOOT_MAGIC = [0x7a, 0x69, 0x6d, 0x67];
const ZBOOT_PAYLOAD_AT = 8;
const ZBOOT_PAYLOAD_SIZE_AT = 12;
const PE_HEADER_AT = 0x3c;
const PE_MAGIC = [0x50, 0x45, 0, 0];

/** arm64's Image (Documentation/arch/arm64/booting.rst) and riscv's (Documentation/arch/riscv/boot-image-header.rst). */
const ARM64_MAGIC_AT = 0x38;
const ARM64_MAGIC = [0x41, 0x52, 0x4d, 0x64];
const RISCV_MAGIC_AT = 0x30;
const RISCV_MAGIC = [0x52, 0x49, 0x53, 0x43, 0x56];
const RISCV_IS_64_AT = 0x38;
const RISCV_MAGIC_2 = [0x52, 0x53, 0x43, 0x05];
/** s390's boot image (arch/s390/boot/head.S): a word in EBCDIC-free ASCII where loaders look for it. */
const S390_MAGIC_AT = 0x10008;
const S390_MAGIC = [0x53, 0x33, 0x39, 0x30, 0x45, 0x50];

/** Machines of PE files. */
const PE_MACHINES: Readonly<Record<number, string>> = {
  34404: "x86_64",
  43620: "arm64",
  20580: "riscv64",
  25188: "loong64",
  332: "x86",
  450: "arm",
};

/** Recognises a kernel image by its content; null for bytes that are none of the kinds known. */
export function imageLayout(bytes: Uint8Array): ImageLayout | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= BOOT_PAYLOAD_SIZE_AT + 4 && startsWith(bytes, BOOT_MAGIC_AT, BOOT_MAGIC)) return bzImage(view);
  if (startsWith(bytes, 0, MZ) && startsWith(bytes, ZBOOT_MAGIC_AT, ZBOOT_MAGIC) && bytes.length >= 64) {
    const payload = {
      start: view.getUint32(ZBOOT_PAYLOAD_AT, true),
      size: view.getUint32(ZBOOT_PAYLOAD_SIZE_AT, true),
    };
    return { arch: peArch(bytes, view), payload };
  }
  if (startsWith(bytes, ARM64_MAGIC_AT, ARM64_MAGIC)) return { arch: "arm64", payload: null };
  if (startsWith(bytes, RISCV_MAGIC_AT, RISCV_MAGIC) || startsWith(bytes, RISCV_IS_64_AT, RISCV_MAGIC_2)) {
    return { arch: "riscv64", payload: null };
  }
  if (startsWith(bytes, S390_MAGIC_AT, S390_MAGIC)) return { arch: "s390x", payload: null };
  if (startsWith(bytes, 0, MZ) && peArch(bytes, view) !== null) return { arch: peArch(bytes, view), payload: null };
  return null;
}

function bzImage(view: DataView): ImageLayout {
  const flags = view.getUint16(XLOADFLAGS_AT, true);
  const arch = flags & XLF_KERNEL_64 ? "x86_64" : "x86";
  if (view.getUint16(BOOT_VERSION_AT, true) < BOOT_VERSION_WITH_PAYLOAD) return { arch, payload: null };
  const setup = (view.getUint8(SETUP_SECTORS_AT) || DEFAULT_SETUP_SECTORS) + 1;
  const start = setup * SECTOR_BYTES + view.getUint32(BOOT_PAYLOAD_AT, true);
  return { arch, payload: { start, size: view.getUint32(BOOT_PAYLOAD_SIZE_AT, true) } };
}

function peArch(bytes: Uint8Array, view: DataView): string | null {
  if (bytes.length < PE_HEADER_AT + 4) return null;
  const at = view.getUint32(PE_HEADER_AT, true);
  if (at + 6 > bytes.length || !startsWith(bytes, at, PE_MAGIC)) return null;
  return PE_MACHINES[view.getUint16(at + 4, true)] ?? null;
}
