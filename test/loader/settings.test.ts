import { describe, expect, it } from "vitest";
import { madeUpSetting, versionCode } from "../../lib/loader/settings.ts";

describe("settings that libbpf makes up", () => {
  it.each([
    ["6.1.0-56-cloud-amd64", 0x060100],
    ["6.12.117+deb12-amd64", 0x060c75],
    ["5.15", 0x050f00],
    ["4.9.337-rc1", 0x0409ff],
    ["unknown", 0],
  ])("reads %s", (release, code) => {
    expect(versionCode(release)).toBe(code);
  });

  it.each([
    ["LINUX_KERNEL_VERSION", "5.14.2", "x64", 0x050e02],
    ["LINUX_HAS_BPF_COOKIE", "5.14.2", "x64", 0],
    ["LINUX_HAS_BPF_COOKIE", "5.15.0", "x64", 1],
    ["LINUX_HAS_SYSCALL_WRAPPER", "6.1.0", "arm64", 1],
    ["LINUX_HAS_SYSCALL_WRAPPER", "6.1.0", "ppc64", 0],
    ["CONFIG_HZ", "6.1.0", "x64", null],
  ])("gives %s on %s, %s", (name, release, arch, value) => {
    expect(madeUpSetting(name, { release, arch })).toBe(value);
  });
});
