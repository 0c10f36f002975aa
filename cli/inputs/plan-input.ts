import { gunzipSync } from "node:zlib";
import type { PrepareOptions } from "../../lib/prepare/prepare.ts";
import { type BtfFeatures, btfFeatures } from "../../lib/prepare/sanitize-btf.ts";
import { InputError, UsageError } from "../errors.ts";
import { readInput } from "./input.ts";

/** What `prepare` and `loader` are told of a plan. */
interface PlanArguments {
  readonly name: string | undefined;
  readonly kconfig: string | undefined;
  readonly btfFor: string | undefined;
}

const GZIP = [0x1f, 0x8b];
/** A kernel's config has a quarter of a megabyte. */
const MOST_CONFIG_BYTES = 1 << 26;
/** A line that an extern of `.kconfig` may be named by. */
const SETTING = /^(CONFIG|LINUX)_\w+=/m;

/** Options of a plan, by a command's arguments. Throws UsageError or InputError. */
export function planOptions(command: string, { name, kconfig, btfFor }: PlanArguments): PrepareOptions {
  const features = featuresOf(command, btfFor);
  return {
    ...(name === undefined ? {} : { name }),
    ...(kconfig === undefined ? {} : { kconfig: readConfig(kconfig) }),
    ...(features === undefined ? {} : { features }),
  };
}

/** A kernel's config as text: `/boot/config-*`, or `/proc/config.gz` as it is. */
function readConfig(path: string): string {
  const bytes = readInput(path);
  const text = new TextDecoder().decode(GZIP.every((byte, i) => bytes[i] === byte) ? unpacked(bytes, path) : bytes);
  if (!SETTING.test(text)) throw new InputError(path, "is no kernel's config: it has no line like CONFIG_HZ=250");
  return text;
}

function unpacked(bytes: Uint8Array, path: string): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: MOST_CONFIG_BYTES });
  } catch {
    throw new InputError(path, "is gzip that is damaged, or that holds more than a kernel's config");
  }
}

/** What a release of Linux (`5.4`) knows of BTF; undefined for none named. */
function featuresOf(command: string, release: string | undefined): BtfFeatures | undefined {
  if (release === undefined) return undefined;
  const match = /^(\d+)\.(\d+)(?:[.-].*)?$/.exec(release);
  if (match === null) throw new UsageError(`${command}: --btf-for ${release}: not a release like 5.4`);
  return btfFeatures(Number(match[1]), Number(match[2]));
}
