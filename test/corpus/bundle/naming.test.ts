import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { compressTar } from "../../../corpus/bundle/container.ts";
import {
  aliasesOf,
  identityOfName,
  looksLikeAlias,
  NAMINGS,
  nameOf,
  namingProblem,
  namingsOf,
} from "../../../corpus/bundle/naming.ts";
import { kernelKey } from "../../../corpus/kernel.ts";
import { entry, joined, kernel, tarOf } from "./kit.ts";

const ARM = kernel("ubuntu/22.04/arm64/5.15.0-1049-aws");
const X86 = kernel("debian/12/x86_64/6.1.0-47-amd64");

describe("names in a tree", () => {
  it.each([
    ["btfhub", ARM, "ubuntu/22.04/arm64/5.15.0-1049-aws.btf"],
    ["btfhub", X86, "debian/12/x86_64/6.1.0-47-amd64.btf"],
    ["bcc", ARM, "./ubuntu/22.04/aarch64/5.15.0-1049-aws.btf"],
    ["bcc", X86, "./debian/12/x86_64/6.1.0-47-amd64.btf"],
    ["inspektor-gadget", ARM, "btfs/arm64/ubuntu/22.04/aarch64/5.15.0-1049-aws.btf"],
    ["inspektor-gadget", X86, "btfs/x86/debian/12/x86_64/6.1.0-47-amd64.btf"],
    ["inspektor-gadget-image", ARM, "ubuntu/22.04/aarch64/5.15.0-1049-aws.btf"],
    ["inspektor-gadget-image", X86, "debian/12/x86_64/6.1.0-47-amd64.btf"],
  ] as const)("%s: %o is %s, and back", (naming, identity, name) => {
    expect(nameOf(identity, naming)).toBe(name);
    expect(identityOfName(name)).toEqual(identity);
  });

  it("writes what is not known as -, and reads it so", () => {
    const identity = kernel("-/-/x86_64/6.6.0");
    expect(nameOf(identity, "btfhub")).toBe("-/-/x86_64/6.6.0.btf");
    expect(identityOfName("-/-/x86_64/6.6.0.btf")).toEqual(identity);
  });

  it.each([
    "",
    "x.btf",
    "debian/12/x86_64/.btf",
    "debian/12/x86_64/6.1.btf.tar.xz",
    "debian/12/x86_64/more/6.1.btf",
    "debian/../x86_64/6.1.btf",
    "/debian/12/x86_64/6.1.btf",
    "../debian/12/x86_64/6.1.btf",
    "debian/12/-/6.1.btf",
    "debian/12/x86_64/-.btf",
    "debian//x86_64/6.1.btf",
    '"centos"/7/x86_64/3.10.btf',
    "debian/12/x86_64/.hidden.btf",
    "debian/12/x86_64/a b.btf",
  ])("takes %j for no kernel's name", (name) => {
    expect(identityOfName(name)).toBeNull();
  });

  it.each([
    ["debian/12/x86_64/-", "release is not known"],
    ["debian/12/-/6.1", "architecture is not known"],
  ])("cannot name %s", (key, reason) => {
    expect(namingProblem(kernel(key))).toContain(reason);
  });

  it.each(["..", "a/b", "a b", "\u0000", "-x", "", '"', "ü", "-"])("cannot name a release %j", (release) => {
    expect(namingProblem({ ...X86, release })).toContain("cannot be part of a name");
  });

  it("knows that bcc's reader has 99 bytes for a name", () => {
    const fits = { ...X86, release: "r".repeat(99 - "./debian/12/x86_64/.btf".length) };
    expect(nameOf(fits, "bcc")).toHaveLength(99);
    expect(namingProblem(fits, "bcc")).toBeNull();
    expect(namingProblem({ ...fits, release: `${fits.release}r` }, "bcc")).toContain("99 bytes");
    expect(namingProblem({ ...fits, release: `${fits.release}r` }, "btfhub")).toBeNull();
  });

  it("tells whose names they are, as far as they differ", () => {
    const named = (naming: (typeof NAMINGS)[number], identities = [X86, ARM]) =>
      new Map(identities.map((identity) => [nameOf(identity, naming), identity]));
    for (const naming of NAMINGS) expect(namingsOf(named(naming), false)).toEqual([naming]);
    expect(namingsOf(named("btfhub", [X86]), false)).toEqual(["btfhub", "inspektor-gadget-image"]);
    expect(namingsOf(named("btfhub", [X86]), true)).toEqual(["btfhub", "bcc", "inspektor-gadget-image"]);
    expect(namingsOf(new Map([...named("btfhub", [ARM]), ...named("bcc", [X86])]), false)).toEqual([]);
  });
});

/*
 * What each consumer does on a machine, written down from its source, and given the machine's real os-release: the name
 * it comes to must be one under which the kernel is in the bundle.
 */
interface Machine {
  readonly key: string;
  readonly osRelease: string;
  readonly machine: string;
}

const MACHINES: readonly Machine[] = [
  {
    key: "debian/12/x86_64/6.1.0-47-amd64",
    osRelease: 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n',
    machine: "x86_64",
  },
  {
    key: "ubuntu/22.04/arm64/5.15.0-1049-aws",
    osRelease: 'VERSION_ID="22.04"\nID=ubuntu\nID_LIKE=debian\n',
    machine: "aarch64",
  },
  {
    key: "centos/7/x86_64/3.10.0-1160.el7.x86_64",
    osRelease: 'ID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="7"\n',
    machine: "x86_64",
  },
  { key: "fedora/38/x86_64/6.2.9-300.fc38.x86_64", osRelease: "ID=fedora\nVERSION_ID=38\n", machine: "x86_64" },
  { key: "amzn/2/arm64/4.14.336-257.566.amzn2.aarch64", osRelease: 'ID="amzn"\nVERSION_ID="2"\n', machine: "aarch64" },
];

/** libbpf-tools/btf_helpers.c: sscanf of `ID=%64s` and `VERSION_ID="%64s`, whose last character is dropped. */
function bccName({ osRelease, machine, key }: Machine): string {
  let id = "";
  let version = "";
  for (const line of osRelease.split("\n")) {
    const asId = /^ID=\s*(\S{1,64})/.exec(line);
    const asVersion = /^VERSION_ID="\s*(\S{1,64})/.exec(line);
    if (asId) id = asId[1] ?? "";
    else if (asVersion) version = (asVersion[1] ?? "").slice(0, -1);
  }
  return `./${id}/${version}/${machine}/${kernel(key).release}.btf`;
}

/** The same file's walk: 512-byte headers of which it looks at name (100 bytes, ended by NUL) and size alone. */
function bccRead(tar: Buffer, name: string): Buffer | null {
  for (let at = 0; tar[at] !== 0; ) {
    const field = tar.toString("latin1", at, at + 100);
    const size = Number.parseInt(tar.toString("latin1", at + 124, at + 136), 8);
    if (field.slice(0, field.indexOf("\0")) === name) return tar.subarray(at + 512, at + 512 + size);
    at += 512 * (1 + Math.floor((size + 511) / 512));
  }
  return null;
}

/** pkg/btfgen/btfgen.go, GetOSInfo: ID as it stands there, VERSION_ID without quotes. */
function gadgetPath({ osRelease, machine, key }: Machine): string {
  const values = new Map(osRelease.split("\n").map((line) => line.split(/=(.*)/s, 2) as [string, string]));
  const version = (values.get("VERSION_ID") ?? "").replace(/^"+|"+$/g, "");
  return `${values.get("ID")}/${version}/${machine}/${kernel(key).release}.btf`;
}

/** pkg/cmd/initialize/bpfobject.go and common/environment: quotes trimmed, aarch64 is arm64. */
function traceePath({ osRelease, machine, key }: Machine): string {
  const values = new Map(osRelease.split("\n").map((line) => line.split("=") as [string, string]));
  const trimmed = (name: string) => (values.get(name) ?? "").replace(/^"+|"+$/g, "");
  const arch = machine.includes("aarch64") ? "arm64" : machine;
  return `${trimmed("ID")}/${trimmed("VERSION_ID")}/${arch}/${kernel(key).release}.btf`;
}

describe.each(MACHINES)("on $key", (machine) => {
  const identity = kernel(machine.key);

  it("tracee finds it", () => {
    expect(traceePath(machine)).toBe(nameOf(identity, "btfhub"));
    expect(aliasesOf(identity, "btfhub")).toEqual([]);
  });

  it("bcc's libbpf-tools find it", () => {
    expect([nameOf(identity, "bcc"), ...aliasesOf(identity, "bcc")]).toContain(bccName(machine));
  });

  it("bcc's walk over the headers of the unpacked tar comes to its bytes", async () => {
    const one = entry(machine.key, "mine");
    const others = [entry("aaa/1/x86_64/1", "x"), entry("zzz/1/x86_64/1", "longer than others")];
    const packed = await compressTar(
      await tarOf(joined([...others, one]), { layout: "tree", naming: "bcc" }),
      "tar.gz",
    );
    expect(bccRead(gunzipSync(packed), bccName(machine))).toEqual(Buffer.from(one.bytes));
    expect(bccRead(gunzipSync(packed), "./nowhere")).toBeNull();
  });

  it("inspektor-gadget finds it in a gadget's image", () => {
    const naming = "inspektor-gadget-image";
    expect([nameOf(identity, naming), ...aliasesOf(identity, naming)]).toContain(gadgetPath(machine));
  });

  it("inspektor-gadget finds it among its embedded files, unless os-release has quotes that no embedded name can", () => {
    const goArch = machine.machine === "aarch64" ? "arm64" : "x86";
    const wanted = `btfs/${goArch}/${gadgetPath(machine)}`;
    if (wanted.includes('"')) expect(aliasesOf(identity, "inspektor-gadget")).toEqual([]);
    else expect(nameOf(identity, "inspektor-gadget")).toBe(wanted);
  });

  it("knows the names that stand for it", () => {
    for (const naming of NAMINGS) {
      expect(looksLikeAlias(nameOf(identity, naming))).toBe(false);
      for (const alias of aliasesOf(identity, naming)) expect(looksLikeAlias(alias)).toBe(true);
    }
    expect(kernelKey(identity)).toBe(machine.key);
  });
});
