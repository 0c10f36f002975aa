import { spawnSync } from "node:child_process";
import { machine, release } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { writeBundle } from "../../corpus/bundle/write.ts";
import { workspace } from "../cli/workspace.ts";
import { ENTRIES, entry, joined, STORE, TREE } from "../corpus/bundle/kit.ts";

const SOURCES = fileURLToPath(new URL("../../examples/read-bundle/", import.meta.url));
const { directory, put } = workspace();
const path = (name: string) => join(directory, name);

interface Reader {
  readonly name: string;
  /** The compiler, and how to ask for its version. */
  readonly compiler: string;
  readonly version: string;
  readonly build: (out: string) => readonly string[];
}

const READERS: readonly Reader[] = [
  {
    name: "read-bundle.c",
    compiler: "gcc",
    version: "--version",
    build: (out) => ["-O2", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined", "-o", out, "read-bundle.c"],
  },
  {
    name: "read-bundle.go",
    compiler: "go",
    version: "version",
    build: (out) => ["build", "-o", out, "read-bundle.go"],
  },
];

const OS_RELEASES = {
  debian: put("debian", 'PRETTY_NAME="Debian"\nVERSION_ID="12"\nID=debian\n'),
  ubuntu: put("ubuntu", 'VERSION_ID="22.04"\nID=ubuntu\nID_LIKE=debian\n'),
  centos: put("centos", 'ID="centos"\nVERSION_ID="7"\n'),
  fedora: put("fedora", "ID=fedora\r\nVERSION_ID=38\r\n"),
  rolling: put("rolling", "ID=arch\n"),
  hostile: put("hostile", 'ID=".."\nVERSION_ID="../debian/12"\n'),
} as const;

describe.each(READERS)("$name", ({ compiler, version, build }) => {
  const missing = spawnSync(compiler, [version]).status !== 0;
  if (missing) {
    it.skip(`${compiler} is not installed`, () => {});
    return;
  }
  const program = path(`read-bundle-${compiler}`);
  const read = (bundle: string, ...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(program, [path(bundle), ...args]);
    return { status, bytes: new Uint8Array(stdout), stderr: stderr.toString() };
  };

  beforeAll(async () => {
    const env = { ...process.env, GOFLAGS: "-mod=mod", GO111MODULE: "off", GOCACHE: path("go-cache") };
    const built = spawnSync(compiler, build(program), { cwd: SOURCES, env, encoding: "utf8" });
    expect([built.status, built.stderr]).toEqual([0, ""]);
    // What is not known is filed under -, and not for these readers.
    const all = [...ENTRIES, entry(`debian/12/${machine()}/${release()}`, "mine"), entry("-/-/x86_64/6.9", "z")];
    await writeBundle(path("tree"), joined(all), TREE, null);
    await writeBundle(path("store"), joined(all), STORE, null);
  }, 120_000);

  describe.each(["tree", "store"])("a %s", (layout) => {
    it.each([
      ["debian", "x86_64", "6.1.0-47-amd64", "b"],
      ["debian", "amd64", "6.1.0-56-cloud-amd64", "c"],
      ["ubuntu", "aarch64", "5.15.0-1049-aws", "a"],
      ["ubuntu", "arm64", "5.15.0-1049-aws", "a"],
      ["centos", "x86_64", "3.10.0-1160.el7.x86_64", "d"],
      ["fedora", "x86_64", "6.2.9-300.fc38.x86_64", "e"],
    ] as const)("has the BTF of %s %s %s", (os, arch, kernel, content) => {
      const found = read(layout, OS_RELEASES[os], arch, kernel);
      expect(found).toEqual({ status: 0, bytes: entry("x/1/x/1", content).bytes, stderr: "" });
    });

    it("has that of this machine", () => {
      expect(read(layout, OS_RELEASES.debian, machine(), release()).bytes).toEqual(entry("x/1/x/1", "mine").bytes);
    });

    it.each([
      ["debian", "x86_64", "6.1.0-47"],
      ["debian", "x86_64", "6.1.0-47-amd64-more"],
      ["debian", "arm64", "6.1.0-47-amd64"],
      ["ubuntu", "x86_64", "6.1.0-47-amd64"],
      ["rolling", "x86_64", "6.9"],
      ["hostile", "x86_64", "6.1.0-47-amd64"],
      ["debian", "x86_64", "../x86_64/6.1.0-47-amd64"],
    ] as const)("has nothing for %s %s %s", (os, arch, kernel) => {
      const { status, bytes, stderr } = read(layout, OS_RELEASES[os], arch, kernel);
      expect([status, bytes.length]).toEqual([1, 0]);
      expect(stderr).toContain("not in the bundle");
    });
  });

  it.each([
    "",
    "{",
    '{"version":1',
    '{"version":2,"blobs":[],"kernels":{}}',
    '{"version":1,"blobs":[],"kernels":{"debian":{"12":{"x86_64":{"6.1":0}}}}}',
    '{"version":1,"blobs":["../../x"],"kernels":{"debian":{"12":{"x86_64":{"6.1":0}}}}}',
    '{"version":1,"blobs":["x"],"kernels":{"debian":{"12":{"x86_64":{"6.1":-1}}}}}',
  ])("says that it cannot read an index %j", (index) => {
    put("broken/index.json", index);
    const { status, bytes } = read("broken", OS_RELEASES.debian, "x86_64", "6.1");
    expect([status, bytes.length]).toEqual([2, 0]);
  });

  it("reads an index that another program wrote with spaces", () => {
    const { bytes, blobHash } = entry("debian/12/x86_64/6.1", "spaced");
    const index = {
      kernels: { debian: { "12": { x86_64: { "6.0": 1, "6.1": 1 } } } },
      blobs: ["f".repeat(64), blobHash],
    };
    put("spaced/index.json", JSON.stringify({ ...index, version: 1 }, null, "\t "));
    put(`spaced/btf/${blobHash}.btf`, bytes);
    expect(read("spaced", OS_RELEASES.debian, "x86_64", "6.1").bytes).toEqual(bytes);
  });
});
