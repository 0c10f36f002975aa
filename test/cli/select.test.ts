import { readFileSync } from "node:fs";
import { machine, release } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeBundle } from "../../corpus/bundle/write.ts";
import { ENTRIES, entry, joined, STORE, TREE, tarOf } from "../corpus/bundle/kit.ts";
import { run, runText } from "./run.ts";
import { workspace } from "./workspace.ts";

const { directory, put } = workspace();
const path = (name: string) => join(directory, name);
const CENTOS = put("centos", 'NAME="CentOS Linux"\nID="centos"\nVERSION_ID="7"\n');

describe("select", () => {
  it.each(["tree.tar.xz", "tree", "store.tar.gz", "store"])("takes a kernel's BTF out of %s", async (name) => {
    const shape = name.startsWith("store") ? STORE : TREE;
    await writeBundle(path(name), joined(), shape, null);
    const out = path(`${name}.out`);
    const which = ["--os-release", CENTOS, "--arch", "amd64", "--release", "3.10.0-1160.el7.x86_64"];
    const { stdout, stderr, code } = await runText(["select", path(name), ...which, "-o", out]);
    expect([code, stderr, stdout]).toEqual([0, "", "centos/7/x86_64/3.10.0-1160.el7.x86_64\n"]);
    expect(new Uint8Array(readFileSync(out))).toEqual(entry("c/7/x86_64/3", "d").bytes);
  });

  it("does not write into what it reads", async () => {
    await writeBundle(path("own.tar"), joined(), TREE, null);
    await writeBundle(path("own"), joined(), STORE, null);
    const which = ["--os-release", CENTOS, "--arch", "amd64", "--release", "3.10.0-1160.el7.x86_64"];
    for (const [bundle, out] of [
      ["own.tar", "own.tar"],
      ["own", "own/index.json"],
      ["own", "own/new"],
    ] as const) {
      const { stderr, code } = await runText(["select", path(bundle), ...which, "-o", path(out)]);
      expect({ code, stderr }).toEqual({ code: 2, stderr: `btfgen: cannot write ${path(out)}: it is an input\n` });
    }
    expect((await runText(["bundle", "verify", path("own"), path("own.tar")])).code).toBe(0);
  });

  it("takes this machine's kernel when nothing is said", async () => {
    const mine = entry(`-/-/${machine()}/${release()}`, "mine");
    const { stdout, code } = await run(["select", "-", "-o", "-"], {
      stdin: await tarOf(joined([...ENTRIES, mine]), TREE),
    });
    expect(code).toBe(0);
    expect(new Uint8Array(stdout)).toEqual(mine.bytes);
  });

  const store = tarOf(joined(), STORE);
  const select = async (...args: string[]) => runText(["select", "-", ...args], { stdin: await store });
  const debian = ["--id", "debian", "--version-id", "12", "-a", "x86_64", "-r"];

  it("exits 1 and names the nearest kernels, and uses none of them", async () => {
    const { stdout, stderr, code } = await select(...debian, "6.1.0-50-amd64", "-o", path("no.btf"));
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toBe(
      "btfgen: (standard input): no kernel 6.1.0-50-amd64 of debian 12; the nearest (--nearest takes the first): " +
        "debian/12/x86_64/6.1.0-47-amd64, debian/12/x86_64/6.1.0-56-amd64, debian/12/x86_64/6.1.0-56-cloud-amd64\n",
    );
    expect(() => readFileSync(path("no.btf"))).toThrow(/ENOENT/);
  });

  it("uses the nearest when asked to, and says which", async () => {
    const { stdout, stderr, code } = await select(...debian, "6.1.0-50-amd64", "--nearest", "-o", path("near.btf"));
    expect([code, stdout]).toEqual([0, "debian/12/x86_64/6.1.0-47-amd64\n"]);
    expect(stderr).toContain("the nearest is used instead: debian/12/x86_64/6.1.0-47-amd64");
    expect(new Uint8Array(readFileSync(path("near.btf")))).toEqual(entry("d/1/x86_64/6", "b").bytes);
  });

  it("has nothing near for an architecture that is not there", async () => {
    const { stderr, code } = await select(...debian.slice(0, 4), "-a", "riscv64", "-r", "6.1", "--nearest");
    expect([code, stderr]).toEqual([1, "btfgen: (standard input): no kernel for riscv64\n"]);
  });

  it("leaves the version open for a distribution that is not the one of os-release", async () => {
    const { stdout } = await select(
      "--os-release",
      CENTOS,
      "--id",
      "fedora",
      "-a",
      "x86_64",
      "-r",
      "6.2.9-300.fc38.x86_64",
    );
    expect(stdout).toBe("fedora/38/x86_64/6.2.9-300.fc38.x86_64\n");
  });

  it("asks which where two versions of a distribution have one release with different BTF", async () => {
    const two = [entry("u/20/arm64/5.15", "a"), entry("u/22/arm64/5.15", "b")];
    const args = ["select", "-", "--id", "u", "-a", "aarch64", "-r", "5.15"];
    const stdin = await tarOf(joined(two), TREE);
    const { stderr, code } = await runText(args, { stdin });
    expect(code).toBe(1);
    expect(stderr).toContain("u/20/arm64/5.15, u/22/arm64/5.15: pass --id and --version-id (or --os-release)");
    expect((await runText([...args, "--version-id", "22"], { stdin })).stdout).toBe("u/22/arm64/5.15\n");
    const same = await tarOf(joined([entry("u/20/arm64/5.15", "a"), entry("u/22/arm64/5.15", "a")]), TREE);
    expect((await runText(args, { stdin: same })).code).toBe(0);
  });

  it("writes JSON", async () => {
    const { stdout } = await select(...debian, "6.1.0-56-amd64", "--json");
    const { blobHash, bytes } = entry("debian/12/x86_64/6", "b");
    expect(JSON.parse(stdout)).toEqual({
      outcome: "exact",
      query: { id: "debian", versionId: "12", arch: "x86_64", release: "6.1.0-56-amd64" },
      kernel: "debian/12/x86_64/6.1.0-56-amd64",
      file: `btf/${blobHash}.btf`,
      bytes: bytes.length,
      sha256: blobHash,
      others: [],
    });
  });

  it("exits 2 where os-release cannot be read", async () => {
    const { stderr, code } = await select("--os-release", path("nowhere"));
    expect(code).toBe(2);
    expect(stderr).toContain("nowhere: no such file or directory");
  });
});
