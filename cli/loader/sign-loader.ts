/** Signs loader programs by the command openssl: keys and cryptography are its own. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sealInstructions } from "../../lib/loader/check-data.ts";
import type { Loader, SignatureScheme } from "../../lib/loader/loader.ts";
import { wantsEntries } from "../../lib/prepare/map-type.ts";
import { InputError, RunError, UsageError } from "../errors.ts";

/** What to sign with. */
export interface Signer {
  /** Files: a private key and its certificate, as openssl takes them. */
  readonly key: string;
  readonly certificate: string;
  readonly scheme: SignatureScheme;
}

const OPENSSL_MS = 60_000;
const OPENSSL = "openssl";

/**
 * Signs a loader: detached PKCS#7, SHA-256, without attributes and certificates, which is what a kernel verifies. Its data
 * is final then, so that it must not need what only who runs it knows: settings that are `unset`, numbers of entries.
 * Throws UsageError, InputError or RunError.
 */
export function signLoader(loader: Loader, unset: readonly string[], signer: Signer): Loader {
  const sizes = loader.maps.filter(wantsEntries).map(({ name }) => `--max-entries ${name}=COUNT`);
  const open = [...sizes, ...unset.map((name) => `--kconfig FILE with ${name}`)];
  if (open.length > 0) {
    throw new UsageError(`loader: nobody can change what is signed, so it must be known: ${open.join(", ")}`);
  }
  const data = new Uint8Array(loader.dataSize);
  data.set(loader.data);
  const hash = createHash("sha256").update(data).digest();
  const instructions = signer.scheme === "hash" ? sealInstructions(loader, hash) : loader.instructions;
  const content = signer.scheme === "hash" ? instructions : Buffer.concat([instructions, data]);
  return { ...loader, instructions, signature: { scheme: signer.scheme, pkcs7: pkcs7Of(content, signer) } };
}

function pkcs7Of(content: Uint8Array, { key, certificate }: Signer): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), "btfgen-sign-"));
  try {
    const path = join(directory, "content");
    writeFileSync(path, content);
    const what = ["cms", "-sign", "-binary", "-noattr", "-nocerts", "-nosmimecap", "-keyid", "-md", "sha256"];
    const line = [...what, "-signer", certificate, "-inkey", key, "-in", path, "-outform", "DER"];
    const { error, status, stdout, stderr } = spawnSync(OPENSSL, line, { timeout: OPENSSL_MS });
    if (error !== undefined) throw new RunError(`loader: ${OPENSSL} cannot be run: install openssl`);
    if (status === 0) return new Uint8Array(stdout);
    const words = stderr.toString().trim().split("\n");
    throw new InputError(key, `openssl does not sign with it and ${certificate}: ${words[0] ?? `exit ${status}`}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
