/** Which of the targets that objects name libbpf of later releases finds and takes; see scripts/test-vm.mjs. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  ASKED_KERNEL,
  ASKED_MODULES,
  EXTERN_CASES,
  externObject,
  MODULE_CASES,
  moduleObject,
} from "../oracle/attach-cases.ts";
import { libbpfRecorder, recordLoads } from "../oracle/libbpf-recorder.ts";
import { describeOracle } from "../oracle/requirements.ts";
import { temporaryDirectory } from "../oracle/temporary.ts";

const roots = process.env.BTFGEN_LIBBPF_ROOTS ?? "";
/** The first that knows modules in sections of programs; flavours of functions are known from 1.3 on. */
const FIRST = 5;
const versions = (existsSync(roots) ? readdirSync(roots) : []).filter((name) => {
  return Number(/^1\.(\d+)$/.exec(name)?.[1] ?? 0) >= FIRST;
});
const LEAST_VERSIONS = 2;

/** The recorder with the C library and the libbpf of a root. */
function recorderIn(version: string): string[] {
  const recorder = libbpfRecorder();
  if ("missing" in recorder) throw new Error(recorder.missing);
  const root = join(roots, version);
  const libraries = join(root, "usr/lib/x86_64-linux-gnu");
  return [join(root, "lib64/ld-linux-x86-64.so.2"), "--library-path", libraries, recorder.path];
}

describeOracle("targets that libbpf of later releases finds", ["clang", "libbpf"], () => {
  const directory = temporaryDirectory();
  const loads = (version: string, object: Uint8Array) => {
    const path = join(directory(), "asking.o");
    writeFileSync(path, object);
    const [run] = recordLoads([path], ASKED_KERNEL, { modules: ASKED_MODULES, command: recorderIn(version) });
    return run?.errno === 0;
  };

  it(`are asked of ${LEAST_VERSIONS} releases`, () => {
    expect(versions.length).toBeGreaterThanOrEqual(LEAST_VERSIONS);
  });

  it.each(versions)("externs, by %s", (version) => {
    for (const [name, body, , expected] of EXTERN_CASES) {
      expect({ name, loads: loads(version, externObject(body)) }).toEqual({ name, loads: expected });
    }
  });

  it.each(versions)("modules in sections, by %s", (version) => {
    for (const [target, found] of MODULE_CASES) {
      expect({ target, loads: loads(version, moduleObject(target)) }).toEqual({ target, loads: found });
    }
  });
});
