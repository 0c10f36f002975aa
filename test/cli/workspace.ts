/** A temporary directory for a test file, and the inputs that tests put there. */
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pack } from "tar-stream";
import { afterAll } from "vitest";

/** Makes a directory that is removed after the file's tests, and a function that writes files below it. */
export function workspace() {
  const directory = mkdtempSync(join(tmpdir(), "btfgen-test-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const put = (name: string, bytes: string | Uint8Array): string => {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
    return path;
  };
  return { directory, put };
}

/** Makes a file so many bytes long: zeros, which take no room. Gives back its path. */
export function holes(path: string, bytes: number): string {
  truncateSync(path, bytes);
  return path;
}

/** A tar of the given files. */
export async function tar(files: Readonly<Record<string, Uint8Array>>): Promise<Buffer> {
  const archive = pack();
  for (const [name, bytes] of Object.entries(files)) archive.entry({ name }, Buffer.from(bytes));
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
