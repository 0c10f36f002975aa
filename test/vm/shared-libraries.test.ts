import { describe, expect, it } from "vitest";
import { librariesOf } from "../../vm/shared-libraries.ts";
import { runProcess } from "../oracle/process.ts";

describe.skipIf(process.platform !== "linux")("librariesOf", () => {
  it("finds what the dynamic linker finds for this Node", () => {
    const { libraries, linker } = librariesOf([process.execPath]);
    const { stdout } = runProcess(["ldd", process.execPath]);
    const lines = Buffer.from(stdout).toString().split("\n");
    const expected = lines.flatMap((line) => /^\s*(\S+) => (\S+)/.exec(line)?.slice(1, 3).join(" ") ?? []);
    expect(expected.length).toBeGreaterThan(0);
    expect(libraries.map(({ name, path }) => `${name} ${path}`).sort()).toEqual(expected.sort());
    expect(linker?.path).toMatch(/^\/lib.*\/ld-/);
  });

  it("has a library that is asked for by name, with what it needs", () => {
    const { libraries, linker } = librariesOf(["libstdc++.so.6"]);
    const names = libraries.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["libstdc++.so.6", "libm.so.6", "libc.so.6"]));
    expect(new Set(names).size).toBe(names.length);
    expect(linker === null || linker.bytes.length > 0).toBe(true);
  });

  it("names one that is not there", () => {
    expect(() => librariesOf(["libnowhere.so.9"])).toThrow(/^libnowhere\.so\.9 is not on this machine/);
  });
});
