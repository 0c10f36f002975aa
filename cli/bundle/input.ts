import { existsSync } from "node:fs";
import { provenancePath } from "../../corpus/bundle/beside.ts";
import { type NamedProvenance, parseProvenance } from "../../corpus/bundle/provenance.ts";
import { type OpenBundle, openBundle } from "../../corpus/bundle/read.ts";
import { fileStorage, openStorage } from "../../corpus/bundle/storage.ts";
import { InputError, systemCodeOf, systemReason } from "../errors.ts";
import { markInput, readInput, STDIN_NAME } from "../inputs/input.ts";

/** Opens a bundle given as an argument; `-` is a tar on standard input. Throws InputError, FormatError. */
export async function openBundleArgument(path: string): Promise<OpenBundle> {
  markInput(path);
  if (path === "-") return openBundle(await fileStorage(readInput(path), STDIN_NAME));
  try {
    return openBundle(await openStorage(path), existsSync(provenancePath(path)));
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    throw new InputError(path, systemReason(error));
  }
}

/** The provenance beside a bundle, or null where there is none. Throws InputError, FormatError. */
export function readProvenance(bundle: string): NamedProvenance | null {
  const path = provenancePath(bundle);
  if (bundle === "-" || !existsSync(path)) return null;
  return { path, provenance: parseProvenance(readInput(path), path) };
}
