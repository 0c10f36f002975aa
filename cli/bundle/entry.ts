import { existsSync } from "node:fs";
import { type OpenBundle, type OpenEntry, readEntry } from "../../corpus/bundle/read.ts";
import type { KernelIdentity } from "../../corpus/kernel.ts";
import { FormatError } from "../../lib/btf/error.ts";
import { InputError } from "../errors.ts";
import type { BtfBlob } from "../inputs/btf-input.ts";
import { openBundleArgument } from "./input.ts";

/** So many entries are named where none or several are meant. */
const MOST_NAMED = 4;

/** A kernel's BTF, and which kernel's it is. */
interface EntryBlob extends BtfBlob {
  readonly identity: KernelIdentity;
}

/**
 * One kernel of a bundle, or of a directory or archive in a bundle's layout, given as `BUNDLE!ENTRY`: the entry's name
 * (`debian/12/x86_64/6.1.0-56-amd64`), its file, or a release that only one entry has. Undefined where no file in front
 * of a `!` exists. Throws InputError, or FormatError for a bundle that is damaged.
 */
export async function readEntryArgument(argument: string): Promise<EntryBlob | undefined> {
  for (let at = argument.indexOf("!"); at !== -1; at = argument.indexOf("!", at + 1)) {
    const path = argument.slice(0, at);
    if (path === "" || !existsSync(path)) continue;
    const bundle = await openAsBundle(path);
    const entry = findEntry(bundle, argument.slice(at + 1), path);
    return { source: `${path}!${entry.key}`, bytes: readEntry(bundle, entry).bytes, identity: entry.identity };
  }
  return undefined;
}

async function openAsBundle(path: string): Promise<OpenBundle> {
  try {
    return await openBundleArgument(path);
  } catch (error) {
    // Only a file that is no archive at all says so here.
    if (error instanceof FormatError && error.code === "missing-btf") throw new InputError(path, "is no bundle");
    throw error;
  }
}

function findEntry({ entries }: OpenBundle, name: string, path: string): OpenEntry {
  const plain = name.replace(/^\.?\//, "");
  const exact = entries.find(({ key, file }) => key === plain || file === name || file === plain);
  const found = exact === undefined ? entries.filter(({ identity }) => identity.release === plain) : [exact];
  const [entry] = found;
  if (entry !== undefined && found.length === 1) return entry;
  const named = (found.length > 1 ? found : entries).slice(0, MOST_NAMED).map(({ key }) => key);
  const reason = found.length > 1 ? `several entries are ${name}` : `has no entry ${name}`;
  throw new InputError(path, named.length === 0 ? reason : `${reason}; there is ${named.join(", ")}`);
}
