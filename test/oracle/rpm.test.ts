/** Packages as rpmbuild makes them, laid out as Fedora's kernel-core. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect } from "vitest";
import { runText } from "../cli/run.ts";
import { workspace } from "../cli/workspace.ts";
import { bzImage, flatKernel, kernelBtf } from "../corpus/kernels.ts";
import { describeOracle, oracleIt } from "./requirements.ts";

const RELEASE = "6.9.4-200.fc40.x86_64";
const { directory } = workspace();

const SPEC = `Name: kernel-core
Version: 6.9.4
Release: 200.fc40
Summary: The kernel
License: GPL-2.0
AutoReqProv: no
%description
The kernel.
%install
mkdir -p %{buildroot}/lib/modules/${RELEASE}
cp %{image} %{buildroot}/lib/modules/${RELEASE}/vmlinuz
%files
/lib/modules/${RELEASE}
`;

/** Builds the package with a payload, and gives back its path. */
function build(payload: string, image: string): string {
  const top = join(directory, payload);
  mkdirSync(top);
  writeFileSync(join(top, "kernel.spec"), SPEC);
  const macros = {
    _topdir: top,
    _rpmdir: top,
    _binary_payload: payload,
    image,
    __os_install_post: "%{nil}",
    _build_id_links: "none",
  };
  const defines = Object.entries(macros).flatMap(([name, value]) => ["--define", `${name} ${value}`]);
  const args = ["-bb", "--quiet", "--target", "x86_64", ...defines, join(top, "kernel.spec")];
  const { status, stderr } = spawnSync("rpmbuild", args, { encoding: "utf8" });
  expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
  return join(top, "x86_64", readdirSync(join(top, "x86_64"))[0] ?? "");
}

describeOracle("packages of rpmbuild", ["rpmbuild"], () => {
  for (const payload of ["w3.zstdio", "w2.xzdio", "w6.gzdio", "w6.bzdio"]) {
    oracleIt(`are read with a payload of ${payload}`, ["rpmbuild"], async () => {
      const image = join(directory, `${payload}.vmlinuz`);
      writeFileSync(image, bzImage(gzipSync(flatKernel("rpm", RELEASE)), null));
      const out = join(directory, `${payload}.out`);
      const { code, stderr } = await runText(["extract", build(payload, image), "-o", out]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const files = readdirSync(out, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".btf"));
      expect(files).toHaveLength(1);
      expect(files[0]).toContain(RELEASE);
      expect(readFileSync(join(out, files[0] ?? ""))).toEqual(Buffer.from(kernelBtf("rpm")));
    });
  }
});
