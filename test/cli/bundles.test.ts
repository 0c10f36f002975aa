import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const DIST = fileURLToPath(new URL("../../dist/", import.meta.url));
/** Loads a bundle as the launcher does, in a process of its own, whose flags are a start's. */
const LOAD = `
  const { readFileSync } = require("node:fs");
  const { Script } = require("node:vm");
  const [, filename, cache] = process.argv;
  const source = require("node:module").wrap(readFileSync(filename, "latin1"));
  console.log(new Script(source, { filename, cachedData: readFileSync(cache) }).cachedDataRejected);
`;

describe("the compiled code of each bundle", () => {
  const caches = readdirSync(DIST).filter((name) => name.endsWith(".cache"));
  const suffix = `-${process.versions.v8}-${process.arch}.cache`;

  it("is there once, for one Node", () => {
    const [first = ""] = caches;
    const built = first.slice(first.indexOf("-"));
    expect(caches).toEqual(["diff", "everyday", "others"].map((bundle) => bundle + built));
  });

  // A command that another Node built runs, too (every test of the command is that then), compiling anew.
  it.for(caches)("is taken by V8: %s", (cache, { skip }) => {
    skip(!cache.endsWith(suffix), "dist was built by another Node");
    const bundle = `${DIST}${cache.replace(/-.*/, "")}.cjs`;
    const { stdout, stderr } = spawnSync(process.execPath, ["-e", LOAD, bundle, DIST + cache], { encoding: "utf8" });
    expect({ stdout, stderr }).toEqual({ stdout: "false\n", stderr: "" });
  });
});
