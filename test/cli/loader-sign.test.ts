/** `btfgen loader --sign`: what is signed, checked by openssl itself; test/vm-kernels/loader-signed.test.ts has a kernel check it. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { decodeLoader } from "../../cli/loader/file.ts";
import type { RunLoaderReport } from "../../cli/loader/run-loader.ts";
import { findProgram, runProcess } from "../oracle/process.ts";
import { describeOracle } from "../oracle/requirements.ts";
import { runText } from "./run.ts";
import { makeSigner } from "./signer.ts";
import { workspace } from "./workspace.ts";

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/objects/${name}.o`, import.meta.url));
const { directory } = workspace();
const path = (name: string) => join(directory, name);
const hasOpenssl = findProgram(["openssl"], "version") !== undefined;

const sign = (object: string, ...rest: readonly string[]) =>
  runText(["loader", fixture(object), "--sign", path("key.pem"), "--cert", path("cert.pem"), ...rest]);

/** True where openssl finds the signature to be the certificate's, of that content. */
function isSigned(pkcs7: Uint8Array, content: Uint8Array): boolean {
  writeFileSync(path("signature"), pkcs7);
  writeFileSync(path("content"), content);
  const what = ["-binary", "-inform", "DER", "-in", path("signature"), "-content", path("content")];
  const who = ["-certfile", path("cert.pem"), "-CAfile", path("cert.pem"), "-purpose", "any"];
  return runProcess(["openssl", "cms", "-verify", ...what, ...who, "-out", path("out")]).code === 0;
}

describe.skipIf(!hasOpenssl)("a signed loader", () => {
  beforeAll(() => makeSigner(directory));

  it("has its data's hash in its instructions, which are signed", async () => {
    expect(await sign("globals", "-o", path("hash.loader"))).toMatchObject({ code: 0, stderr: "" });
    const { instructions, data, dataSize, signature, steps } = decodeLoader(readFileSync(path("hash.loader")), "hash");
    expect([signature?.scheme, steps[0]?.action, dataSize % 8]).toEqual(["hash", "check-data", 0]);
    const hash = createHash("sha256")
      .update(data)
      .update(new Uint8Array(dataSize - data.length))
      .digest();
    // Four loads of 64 bits, half in each of two instructions.
    const halves = Array.from({ length: 8 }, (_, i) => hash.toString("hex", i * 4, i * 4 + 4));
    const hex = Buffer.from(instructions).toString("hex");
    for (const [i, half] of halves.entries()) expect(hex).toContain(`${i % 2 === 0 ? "18030000" : "00000000"}${half}`);
    expect(isSigned(signature?.pkcs7 ?? new Uint8Array(), instructions)).toBe(true);
    const other = instructions.slice();
    other[0] = 0xb8;
    expect(isSigned(signature?.pkcs7 ?? new Uint8Array(), other)).toBe(false);
  });

  it("or is signed with its data, for kernels that see to that", async () => {
    expect(await sign("globals", "--sign-scheme", "data", "-o", path("data.loader"))).toMatchObject({ code: 0 });
    const { instructions, data, dataSize, signature, steps } = decodeLoader(readFileSync(path("data.loader")), "data");
    expect([signature?.scheme, steps[0]?.action]).toEqual(["data", "load-btf"]);
    const content = Buffer.concat([instructions, data, new Uint8Array(dataSize - data.length)]);
    expect(isSigned(signature?.pkcs7 ?? new Uint8Array(), content)).toBe(true);
    content[content.length - 1] = 1;
    expect(isSigned(signature?.pkcs7 ?? new Uint8Array(), content)).toBe(false);
  });

  it("is refused where something would have to be written after signing", async () => {
    for (const emit of ["c", "go", "ts"]) {
      const { code, stderr } = await sign("globals", "--emit", emit, "-o", path("none"));
      expect(code).toBe(2);
      expect(stderr).toContain(`--emit ${emit} lets its data be changed, which a signature forbids`);
    }
    const settings = await sign("externs", "-o", path("none"));
    expect(settings.code).toBe(2);
    expect(settings.stderr).toMatch(/nobody can change what is signed, so it must be known: .*--kconfig FILE with /);
    // A map of no entries is created by nobody, except where it has no number of them (task_storage).
    expect((await sign("sched_switch", "-o", path("storage.loader"))).code).toBe(0);
    const sizes = await sign("file_open", "-o", path("none"), "--max-entries", "opened=0");
    expect(sizes.code).toBe(2);
    expect(sizes.stderr).toMatch(/so it must be known: --max-entries opened=COUNT\n$/);
    const perCpu = await sign("tcp_connect", "-o", path("none"));
    expect(perCpu.stderr).toMatch(/so it must be known: --max-entries events=COUNT\n$/);
    expect(readdirSync(directory)).not.toContain("none");
  });

  it("is what a certificate is for", async () => {
    const plain = path("plain.loader");
    expect((await runText(["loader", fixture("globals"), "-o", plain])).code).toBe(0);
    const { stderr, code } = await runText(["run-loader", plain, "--cert", plain]);
    expect({ stderr, code }).toEqual({
      stderr: "btfgen: run-loader: --cert is for signed loaders, and none of these is signed\n",
      code: 2,
    });
  });

  it("is refused without a key that openssl signs with", async () => {
    const half = await runText(["loader", fixture("globals"), "-o", path("none"), "--sign", path("key.pem")]);
    expect(half).toMatchObject({ code: 2, stderr: expect.stringContaining("--sign KEY and --cert CERT go together") });
    writeFileSync(path("no-key.pem"), "nothing\n");
    const line = ["loader", fixture("globals"), "-o", path("none"), "--cert", path("cert.pem")];
    const bad = await runText([...line, "--sign", path("no-key.pem")]);
    expect(bad).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("no-key.pem: openssl does not sign with it"),
    });
    const without = await runText([...line, "--sign", path("key.pem")], { env: { PATH: "/nonexistent" } });
    expect(without).toMatchObject({ code: 3, stderr: expect.stringContaining("openssl cannot be run") });
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith("btfgen-sign-"))).toEqual([]);
  });
});

describeOracle("a signed loader on the running kernel", ["bpf"], () => {
  it.skipIf(!hasOpenssl)("is run, or it is said why not", async () => {
    makeSigner(directory);
    await sign("globals", "-o", path("here.loader"));
    const line = ["run-loader", path("here.loader"), "--cert", path("cert.pem"), "--json"];
    const { code, stdout, stderr } = await runText(line);
    const { loaders } = JSON.parse(stdout) as RunLoaderReport;
    if (code === 0) expect(loaders[0]?.programs).toHaveLength(2);
    else expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringMatching(/signature|signed|keyring/) });
  });
});
