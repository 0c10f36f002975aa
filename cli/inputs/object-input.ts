import { readdirSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { detectCodec } from "../../corpus/codec/detect.ts";
import { looksLikeBtf } from "../../lib/btf/header.ts";
import { type BpfObject, parseBpfObject } from "../../lib/core/object.ts";
import { readBtfSections } from "../../lib/elf/btf-section.ts";
import { type EmbeddedObject, findBpfObjects, isBpfElf } from "../../lib/elf/embedded.ts";
import { looksLikeElf } from "../../lib/elf/reader.ts";
import { InputError, systemCodeOf, systemReason } from "../errors.ts";
import { BEHIND_TARGET, headOf, nameOfInput, readInput, STDIN_NAME, SWAPPED, UNPACK } from "./input.ts";

/** As much as tells an ELF file's machine. */
const ELF_HEAD_BYTES = 64;

/** The BPF objects of some OBJECT arguments. */
export interface ObjectInputs {
  /** In the order of the arguments, a directory's files by name; an embedded object's source is `file#name`. */
  readonly objects: readonly BpfObject[];
  /** Files in directories that hold no BPF object. */
  readonly passedOver: number;
}

/**
 * Reads OBJECT arguments: a BPF ELF file, a program with BPF objects embedded in it (`FILE#NAME` for one of them), a
 * directory of such (with all below it), or `-` for standard input. A file named here that holds no object is an error; in a directory it is
 * counted. `wantsTarget` where the command takes a kernel as --target, and has none: one of the paths may be it. Throws
 * InputError, or FormatError for a damaged object.
 */
export function readObjects(paths: readonly string[], wantsTarget = false): ObjectInputs {
  const objects: BpfObject[] = [];
  let passedOver = 0;
  for (const path of paths) {
    const inDirectory = path !== "-" && followed(path)?.isDirectory() === true;
    const before = objects.length;
    for (const file of inDirectory ? filesBelow(path) : [path]) {
      const found = objectsIn(file);
      const source = nameOfInput(file);
      if (found.length === 0 && !inDirectory) throw withoutObject(file, source, wantsTarget);
      if (found.length === 0) passedOver++;
      for (const { bytes, name } of found) objects.push(parseBpfObject(bytes, name));
    }
    if (inDirectory && objects.length === before) throw new InputError(path, "no file below it holds a BPF object");
  }
  return { objects, passedOver };
}

/** True for a file that is a BPF object: nothing else should be written there. */
export function isObjectFile(path: string): boolean {
  return followed(path)?.isFile() === true && isBpfElf(headOf(path, ELF_HEAD_BYTES));
}

/** The objects of a file; where there is no file of that name, the one that `FILE#NAME` names. */
function objectsIn(path: string): EmbeddedObject[] {
  const hash = path.lastIndexOf("#");
  if (path === "-") return findBpfObjects(readInput(path), STDIN_NAME);
  if (hash <= 0 || statSync(path, { throwIfNoEntry: false }) !== undefined)
    return findBpfObjects(readInput(path), path);
  const file = path.slice(0, hash);
  const found = findBpfObjects(readInput(file), file).filter(({ name }) => name === path);
  if (found.length === 0) throw new InputError(file, `no BPF object of the name ${path.slice(hash + 1)} is in it`);
  return found;
}

/** What is wrong with a file that holds no object: most likely a kernel stands where the object should. */
function withoutObject(path: string, source: string, wantsTarget: boolean): InputError {
  const bytes = path === "-" ? new Uint8Array() : readInput(path);
  if (holdsBtf(bytes)) {
    const hint = wantsTarget ? `${BEHIND_TARGET}.` : SWAPPED;
    return new InputError(source, "BTF of a kernel or module, not a BPF object", hint);
  }
  const isPacked = detectCodec(bytes) !== null;
  const unpack = wantsTarget ? `${BEHIND_TARGET}; an object must be unpacked first.` : UNPACK;
  return new InputError(source, "no BPF object is in it", isPacked ? unpack : undefined);
}

function holdsBtf(bytes: Uint8Array): boolean {
  try {
    return looksLikeBtf(bytes) || (looksLikeElf(bytes) && readBtfSections(bytes).btf !== undefined);
  } catch {
    // A damaged ELF file holds neither.
    return false;
  }
}

/**
 * Regular files below a directory, sorted by name in each, so that a run sees the same order on every machine.
 * Links to files are followed, links to directories are not: they may lead back up. Pipes and devices are left alone.
 */
function filesBelow(directory: string): string[] {
  return entriesOf(directory).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() || (entry.isSymbolicLink() && followed(path)?.isFile() === true) ? [path] : [];
  });
}

function followed(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // A link that leads round in a circle, a path below a file: reading it will say what is wrong.
    return undefined;
  }
}

function entriesOf(directory: string) {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    throw new InputError(directory, systemReason(error));
  }
}
