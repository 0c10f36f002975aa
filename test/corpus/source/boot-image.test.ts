import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { bootImageOf } from "../../../corpus/source/boot-image.ts";
import { TINY_OBJECT } from "../batch/tiny-corpus.ts";
import { debOf, rpmOf } from "../containers.ts";
import { bzImage, flatKernel, kernelBtf, plainImage, vmlinux } from "../kernels.ts";

const RELEASE = "6.1.0-9-test";
const KERNEL = vmlinux("k", RELEASE);
const IMAGE = bzImage(gzipSync(KERNEL), KERNEL.length);
const CONFIG = "CONFIG_BPF=y\n";
const CONTROL = "Package: linux-image-test\nVersion: 1\nArchitecture: amd64\n";
const FILES = {
  [`./boot/System.map-${RELEASE}`]: "0 t\n",
  [`./boot/config-${RELEASE}`]: CONFIG,
  [`./boot/vmlinuz-${RELEASE}`]: IMAGE,
};
const BTF = Buffer.from(kernelBtf("k"));
const DEB = await debOf(CONTROL, FILES);
const DEB_WITHOUT = await debOf(CONTROL, { "./etc/hosts": "" });
const DEB_OF_OTHER_SUMS = await debOf(CONTROL, FILES, `${"0".repeat(32)}  boot/vmlinuz-${RELEASE}\n`);
const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());

describe("bootImageOf", () => {
  it.each([
    ["an image", IMAGE, "file", null, RELEASE],
    ["an ELF file", Buffer.from(KERNEL), "file", null, RELEASE],
    ["a .deb", DEB, `file!boot/vmlinuz-${RELEASE}`, CONFIG, RELEASE],
    [
      "an .rpm",
      rpmOf(
        { 1000: "kernel-core", 1125: "gzip" },
        { [`./lib/modules/${RELEASE}/config`]: CONFIG, [`./lib/modules/${RELEASE}/vmlinuz`]: IMAGE },
      ),
      `file!lib/modules/${RELEASE}/vmlinuz`,
      CONFIG,
      RELEASE,
    ],
  ])("finds the kernel of %s", async (_, bytes, origin, config, release) => {
    const found = await bootImageOf(bytes, "file");
    expect({ ...found, image: found.image.length, btf: BTF.equals(found.btf), config: text(found.config) }).toEqual({
      image: origin === "file" ? bytes.length : IMAGE.length,
      btf: true,
      origin,
      config,
      arch: "x86_64",
      release,
    });
  });

  it("says what another architecture is", async () => {
    const image = plainImage(flatKernel("k", RELEASE), "arm64");
    expect(await bootImageOf(image, "file")).toMatchObject({ arch: "arm64", release: RELEASE });
  });

  it.each([
    ["raw BTF", kernelBtf("k"), /^file: not a kernel image, nor a package with one$/],
    ["a BPF object", readFileSync(TINY_OBJECT), /^file: a BPF object, not a kernel image$/],
    ["nothing", new Uint8Array(0), /^file: not a kernel image/],
    ["a package without one", DEB_WITHOUT, /^file: the package has no kernel image/],
    ["a package whose sums differ", DEB_OF_OTHER_SUMS, /^file!boot\/vmlinuz-.*it is damaged$/],
  ])("refuses %s", async (_, bytes, message) => {
    await expect(bootImageOf(bytes, "file")).rejects.toThrow(message);
  });
});
