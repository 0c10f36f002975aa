/** Temporary directories of tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";

/** A directory that lasts as long as the `describe` it is asked for in; call the answer inside tests. */
export function temporaryDirectory(): () => string {
  let path: string | undefined;
  beforeAll(() => {
    path = mkdtempSync(join(tmpdir(), "btfgen-test-"));
  });
  afterAll(() => {
    if (path !== undefined) rmSync(path, { recursive: true, force: true });
  });
  return () => {
    if (path === undefined) throw new Error("the directory is there only while tests run");
    return path;
  };
}
