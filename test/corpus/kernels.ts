/** Made-up kernels for tests: BTF with a name of its own, and images around it. */
import { int, btf as makeBtf } from "../btf/builder.ts";
import { elfImage } from "../elf/builder.ts";

/** A valid BTF that differs by its mark, of about 2 KB. */
export function kernelBtf(mark: string, littleEndian = true): Uint8Array {
  const rows = Array.from({ length: 80 }, (_, i) => int(`${mark}_${i}`, 4));
  return makeBtf(rows, { littleEndian });
}

/** `linux_banner` of a release. */
export const bannerText = (release: string) => `Linux version ${release} (builder@host) (gcc 12) #1 SMP\n\0`;

/** A vmlinux: ELF with .BTF (of a mark, or the bytes given) and a banner. */
export function vmlinux(mark: string | Uint8Array, release: string, machine = 62, littleEndian = true): Uint8Array {
  const sections = [
    { name: ".rodata", type: 1, data: Buffer.from(`Linux version %s (%s)\0${bannerText(release)}`) },
    { name: ".BTF", type: 1, data: typeof mark === "string" ? kernelBtf(mark, littleEndian) : mark },
  ];
  return elfImage(sections, { machine, littleEndian, type: 2 });
}

/** A kernel without sections: banner, BTF somewhere in it, a decoy that only looks like BTF, 1.2 MB in all. */
export function flatKernel(mark: string, release: string, littleEndian = true): Buffer {
  const kernel = Buffer.alloc(1_200_000);
  kernel.write(bannerText(release), 5000, "latin1");
  const btf = kernelBtf(mark, littleEndian);
  const decoy = Buffer.from(btf);
  // The same header with a record of no known kind behind it: larger than the real one is not needed to be in the way.
  decoy.fill(0xff, 24, 60);
  kernel.set(decoy, 20_000);
  kernel.set(btf, 300_004);
  return kernel;
}

/** An x86 bzImage (boot protocol 2.15) around a payload; `sized` puts the unpacked size behind it as kernels do. */
export function bzImage(payload: Uint8Array, unpacked: number | null): Buffer {
  const size = Buffer.alloc(unpacked === null ? 0 : 4);
  if (unpacked !== null) size.writeUInt32LE(unpacked);
  const setupSectors = 3;
  const offset = 100;
  const image = Buffer.alloc((setupSectors + 1) * 512 + offset);
  image[0x1f1] = setupSectors;
  image.write("HdrS", 0x202, "latin1");
  image.writeUInt16LE(0x020f, 0x206);
  image.writeUInt16LE(1, 0x236);
  image.writeUInt32LE(offset, 0x248);
  image.writeUInt32LE(payload.length + size.length, 0x24c);
  return Buffer.concat([image, payload, size, Buffer.alloc(700, 0x5a)]);
}

/** An EFI zboot image around a payload, with the unpacked size behind it unless the payload has its own. */
export function zboot(payload: Uint8Array, unpacked: number | null, peMachine = 0xaa64): Buffer {
  const image = Buffer.alloc(512);
  image.write("MZ", 0, "latin1");
  image.write("zimg", 4, "latin1");
  image.writeUInt32LE(512, 8);
  image.writeUInt32LE(payload.length, 12);
  image.writeUInt32LE(64, 0x3c);
  image.write("PE\0\0", 64, "latin1");
  image.writeUInt16LE(peMachine, 68);
  const size = Buffer.alloc(unpacked === null ? 0 : 4);
  if (unpacked !== null) size.writeUInt32LE(unpacked);
  return Buffer.concat([image, payload, size, Buffer.alloc(300, 0x33)]);
}

/** s390's boot image: no header says where its payload is. */
export function s390Image(payload: Uint8Array): Buffer {
  const image = Buffer.alloc(0x11000);
  image.write("S390EP", 0x10008, "latin1");
  return Buffer.concat([image, payload, Buffer.alloc(500, 0x77)]);
}

/** arm64's and riscv64's uncompressed Image. */
export function plainImage(kernel: Buffer, kind: "arm64" | "riscv64"): Buffer {
  const image = Buffer.from(kernel);
  if (kind === "arm64") image.write("ARMd", 0x38, "latin1");
  else image.write("RISCV\0\0\0RSC\x05", 0x30, "latin1");
  return image;
}

/** A kernel module: split BTF, `.modinfo`. */
export function moduleFile(name: string, release: string, splitBtf: Uint8Array): Uint8Array {
  const info = Buffer.from(`name=${name}\0vermagic=${release} SMP mod_unload \0`);
  return elfImage(
    [
      { name: ".modinfo", type: 1, data: info },
      { name: ".BTF", type: 1, data: splitBtf },
    ],
    { machine: 62, type: 1 },
  );
}
