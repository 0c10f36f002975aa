/** Signed loader programs in virtual machines whose kernels verify signatures of programs (Linux 6.18 and later). */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { decodeLoader, encodeLoader } from "../../cli/loader/file.ts";
import type { RunLoaderReport } from "../../cli/loader/run-loader.ts";
import type { Loader } from "../../lib/loader/loader.ts";
import { makeSigner } from "../cli/signer.ts";
import { workspace } from "../cli/workspace.ts";
import { runProcess } from "../oracle/process.ts";
import { COMMAND } from "./objects.ts";

const kernels = process.env.BTFGEN_VM_KERNELS ?? "";
/** Those that have signed programs, and one that has none. */
const packages = readdirSync(kernels).filter((name) => name.endsWith(".deb"));
const signing = packages.filter((name) => /-([7-9]|\d\d)\.\d/.test(name));
const older = packages.filter((name) => /-6\.1\.0-/.test(name));
const object = fileURLToPath(new URL("../fixtures/objects/globals.o", import.meta.url));
const RUN_MS = 300_000;

const { directory } = workspace();
const path = (name: string) => join(directory, name);

function btfgen(...args: readonly string[]) {
  const { code, stdout, stderr } = runProcess([process.execPath, COMMAND, ...args], { timeoutMs: RUN_MS });
  return { code, stdout: Buffer.from(stdout).toString(), stderr };
}

/** The loader with a bit of its data or of its code turned. */
function tampered(name: string, part: "data" | "instructions", at: number): void {
  const loader = decodeLoader(readFileSync(path("hash.loader")), name);
  const bytes = loader[part].slice();
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  const changed: Loader = { ...loader, [part]: bytes };
  writeFileSync(path(name), encodeLoader(changed));
}

beforeAll(() => {
  makeSigner(directory);
  for (const scheme of ["hash", "data"]) {
    const line = ["--sign", path("key.pem"), "--cert", path("cert.pem"), "--sign-scheme", scheme];
    expect(btfgen("loader", object, ...line, "-o", path(`${scheme}.loader`)).code).toBe(0);
  }
  tampered("other-data.loader", "data", 3000);
  tampered("other-code.loader", "instructions", 8 * 20 + 4);
});

describe("signed loaders", () => {
  it("has a kernel that verifies them, and one that does not", () => {
    expect([signing.length > 0, older.length > 0]).toEqual([true, true]);
  });

  it.each(signing)(
    "%s runs what is signed, and nothing that was changed",
    (name) => {
      const files = ["hash", "other-data", "other-code", "data"].map((one) => path(`${one}.loader`));
      const { stdout } = btfgen(
        "run-loader",
        ...files,
        "--cert",
        path("cert.pem"),
        "--kernel",
        join(kernels, name),
        "--json",
      );
      const [hash, otherData, otherCode, data] = (JSON.parse(stdout) as RunLoaderReport).loaders;
      expect(hash).toMatchObject({ failed: null, cannot: null });
      expect(hash?.programs.map(({ full }) => full)).toEqual(["account", "classify"]);
      expect(otherData?.failed).toMatchObject({ stage: "run", step: 1, action: "check-data", errnoName: "EBADMSG" });
      expect(otherCode?.failed).toMatchObject({ stage: "load", errnoName: "EKEYREJECTED" });
      // Kernels that cover the data by the signature are newer than those at hand; one that does not, says so.
      if (data?.failed !== null) expect(data?.cannot).toMatch(/verifies instructions only \(--sign-scheme hash\)$/);
    },
    RUN_MS,
  );

  it.each(signing)(
    "%s takes no signature of a key that it has not",
    (name) => {
      const { code, stderr } = btfgen("run-loader", path("hash.loader"), "--kernel", join(kernels, name));
      expect({ code, stderr }).toEqual({
        code: 3,
        stderr: expect.stringMatching(/has not the key of the signature: --cert CERT/),
      });
    },
    RUN_MS,
  );

  it.each(older)(
    "%s is too old, and that is said",
    (name) => {
      const line = ["run-loader", path("hash.loader"), "--cert", path("cert.pem"), "--kernel", join(kernels, name)];
      const { code, stderr } = btfgen(...line);
      expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringMatching(/came with Linux 6\.18\n$/) });
    },
    RUN_MS,
  );
});
