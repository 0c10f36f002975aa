/** A key and its certificate, made by openssl for a test. */
import { join } from "node:path";
import { runProcess } from "../oracle/process.ts";

/** Writes `key.pem` and `cert.pem` into a directory. */
export function makeSigner(directory: string): void {
  const files = ["-keyout", join(directory, "key.pem"), "-out", join(directory, "cert.pem")];
  const kind = ["-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=btfgen test"];
  const extensions = ["-addext", "subjectKeyIdentifier=hash", "-addext", "keyUsage=digitalSignature"];
  const { code, stderr } = runProcess(["openssl", "req", "-x509", ...kind, ...files, ...extensions]);
  if (code !== 0) throw new Error(stderr);
}
