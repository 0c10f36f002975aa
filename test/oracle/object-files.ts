/** The objects that oracle tests are run with, as files: our fixtures, and those inside the programs of libbpf-tools. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type BpfObject, parseBpfObject } from "../../lib/core/object.ts";
import { findBpfObjects } from "../../lib/elf/embedded.ts";
import { libbpfToolsExecutables } from "./libbpf-tools.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures");
/** Objects that libbpf refuses to open for reasons of its own: an extern without BTF, no BTF at all. */
const NOT_OPENED = ["link_first.o", "no_btf.o"];

/** An object, parsed, and the file it came from. */
export interface ObjectFile {
  readonly name: string;
  readonly path: string;
  readonly object: BpfObject;
}

/** Our own objects that libbpf opens, of either byte order. */
export function fixtureObjects(directory: "objects" | "objects-be" = "objects"): ObjectFile[] {
  return readdirSync(join(FIXTURES, directory))
    .filter((name) => name.endsWith(".o") && !NOT_OPENED.includes(name))
    .sort()
    .map((name) => objectFile(join(FIXTURES, directory, name)));
}

/** The objects carved out of libbpf-tools, written into a directory for programs that want a path. */
export function toolObjects(directory: string): ObjectFile[] {
  mkdirSync(directory, { recursive: true });
  return libbpfToolsExecutables()
    .flatMap((executable) => findBpfObjects(readFileSync(executable), basename(executable)))
    .map(({ bytes, name }) => {
      const path = join(directory, `${name.replaceAll(/[^\w.-]/g, "_")}.o`);
      writeFileSync(path, bytes);
      return objectFile(path);
    });
}

/** One object by its path. */
export function objectFile(path: string): ObjectFile {
  return { name: basename(path), path, object: parseBpfObject(readFileSync(path), path) };
}
