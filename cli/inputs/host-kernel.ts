import { existsSync } from "node:fs";
import { machine, release } from "node:os";
import { type OsRelease, parseOsRelease } from "../../corpus/bundle/os-release.ts";
import type { KernelQuery } from "../../corpus/bundle/select.ts";
import { readInput } from "./input.ts";

/** Where os-release(5) says the file is, in this order. */
const OS_RELEASE_PATHS = ["/etc/os-release", "/usr/lib/os-release"];

/** What the command line says of a kernel. */
interface KernelOptions {
  readonly "os-release": string | undefined;
  readonly release: string | undefined;
  readonly arch: string | undefined;
  readonly id: string | undefined;
  readonly "version-id": string | undefined;
}

/**
 * The kernel that the options describe; what they leave open is this machine's. Of a distribution given by --id that is
 * not the one in os-release, the version is open unless it is given too. Throws InputError where the given os-release
 * cannot be read.
 */
export function kernelQuery(options: KernelOptions): KernelQuery {
  const distribution = osRelease(options["os-release"]);
  const id = options.id ?? distribution?.id ?? null;
  const versionId = id === distribution?.id ? distribution.versionId : null;
  return {
    id,
    versionId: options["version-id"] ?? versionId,
    arch: options.arch ?? machine(),
    release: options.release ?? release(),
  };
}

function osRelease(given: string | undefined): OsRelease | undefined {
  const path = given ?? OS_RELEASE_PATHS.find((one) => existsSync(one));
  return path === undefined ? undefined : parseOsRelease(new TextDecoder().decode(readInput(path)));
}
