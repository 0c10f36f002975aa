import { KERNEL_6_1, KERNEL_OF_MODULES } from "../samples.ts";

/** From one sample kernel to another: releases, a configuration, an architecture. */
export const KERNEL_STEPS = [
  [KERNEL_6_1, KERNEL_OF_MODULES],
  ["debian/11/x86_64/5.10.0-46-cloud-amd64", KERNEL_6_1],
  [KERNEL_6_1, "debian/12/x86_64/6.1.0-56-rt-amd64"],
  [KERNEL_OF_MODULES, "debian/14/x86_64/7.2.13+deb14-cloud-amd64"],
  ["debian/13/riscv64/6.12.107+deb13-riscv64", "debian/12/arm64/6.12.117+deb12-arm64"],
] as const;
