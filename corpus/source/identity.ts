import { knownArch } from "../arch.ts";
import type { DebControl } from "../archive/deb.ts";
import type { RpmTags } from "../archive/rpm.ts";
import type { KernelIdentity } from "../kernel.ts";

/** Nothing known. */
export const UNKNOWN_IDENTITY: KernelIdentity = { id: null, versionId: null, arch: null, release: null };

const BTF_SUFFIX = /\.btf(\.tar)?(\.(xz|gz|zst|bz2|lzma|lz4))?$/;
const IMAGE_PREFIX = /^(?:vmlinu[xz]|bzImage|zImage|Image|kernel)-(?=\d)/;
const RELEASE = /^\d+\.\d\S*$/;
const ID = /^[a-z][a-z0-9._-]*$/;
const MODULES_DIRECTORY = /(?:^|\/)lib\/modules\/(\d[^/]*)\//;

/** Debian's releases by the kernel they came with, where the version does not name them. */
const DEBIAN_KERNELS: Readonly<Record<string, string>> = {
  "4.9": "9",
  "4.19": "10",
  "5.10": "11",
  "6.1": "12",
  "6.12": "13",
};
/** Ubuntu's long-term releases by their first kernel. */
const UBUNTU_KERNELS: Readonly<Record<string, string>> = {
  "4.4": "16.04",
  "4.15": "18.04",
  "5.4": "20.04",
  "5.15": "22.04",
  "6.8": "24.04",
};
/** os-release IDs of rpm distributions by vendor or distribution tag, in the order they are tried. */
const RPM_VENDORS: readonly (readonly [RegExp, string])[] = [
  [/fedora/i, "fedora"],
  [/centos/i, "centos"],
  [/alma/i, "almalinux"],
  [/rocky/i, "rocky"],
  [/oracle/i, "ol"],
  [/red ?hat/i, "rhel"],
  [/amazon/i, "amzn"],
  [/opensuse/i, "opensuse-leap"],
  [/suse/i, "sles"],
];

/** Each field from the first that knows it. */
export function mergeIdentities(...identities: readonly Partial<KernelIdentity>[]): KernelIdentity {
  const first = (field: keyof KernelIdentity) => identities.find((one) => one[field] != null)?.[field] ?? null;
  return { id: first("id"), versionId: first("versionId"), arch: first("arch"), release: first("release") };
}

/**
 * What a path tells: all of it in BTFHub's tree (`.../ID/VERSION_ID/ARCH/RELEASE.btf[.tar.xz]`), else the release where
 * the file is named after it (`vmlinuz-RELEASE`, `RELEASE.btf`, `lib/modules/RELEASE/...`).
 */
export function identityOfPath(path: string): KernelIdentity {
  const parts = path.split(/[/\\]/);
  const file = parts.at(-1) ?? "";
  const [id = "", versionId = "", word = ""] = parts.slice(-4, -1);
  const arch = knownArch(word);
  const inTree = arch !== null && ID.test(id) && versionId !== "";
  const release = releaseOfFile(file, inTree) ?? MODULES_DIRECTORY.exec(path)?.[1] ?? null;
  return release !== null && inTree ? { id, versionId, arch, release } : { ...UNKNOWN_IDENTITY, release };
}

/** True for a name that says of its file that it has BTF: `.btf`, `.btf.tar.xz` and the like. */
export function promisesBtf(path: string): boolean {
  return BTF_SUFFIX.test(path);
}

/** A path without `.btf`, `.btf.tar.xz` and the like. */
export function withoutBtfSuffix(path: string): string {
  return path.replace(BTF_SUFFIX, "");
}

/** In BTFHub's tree a file's name is a release whatever it looks like: Android's are as `a12-5.10-2021-09`. */
function releaseOfFile(file: string, inTree: boolean): string | null {
  if (BTF_SUFFIX.test(file)) {
    const stem = withoutBtfSuffix(file);
    return (inTree ? /\d/ : RELEASE).test(stem) ? stem : null;
  }
  return IMAGE_PREFIX.test(file) ? file.replace(IMAGE_PREFIX, "").replace(/\.(gz|xz|zst|efi)$/, "") : null;
}

/** What a Debian package's control data tells. Which release of a distribution it is for, only its version hints at. */
export function identityOfDeb({ fields }: DebControl): KernelIdentity {
  const version = fields.get("version") ?? "";
  const name = fields.get("package") ?? "";
  const maintainer = `${fields.get("maintainer") ?? ""} ${fields.get("original-maintainer") ?? ""}`;
  const id = /ubuntu|canonical/i.test(maintainer) ? "ubuntu" : /debian/i.test(maintainer) ? "debian" : null;
  const release = /^linux-(?:image|binary|modules|headers)-(?:unsigned-)?(\d\S*)$/.exec(name)?.[1] ?? null;
  const versionId = id === "debian" ? debianVersion(name, version) : id === "ubuntu" ? ubuntuVersion(version) : null;
  // `linux-image-6.1-amd64` is a package without a kernel, and its name has no release.
  const known = release !== null && /^\d+\.\d+\.\d+/.test(release) ? release.replace(/-(dbg|unsigned)$/, "") : null;
  return { id, versionId, arch: knownArch(fields.get("architecture") ?? ""), release: known };
}

/** `+deb13`, `-0.deb11.52`, `~bpo12`, `+deb12u3`, else the kernel that a release of Debian stays with. */
function debianVersion(name: string, version: string): string | null {
  const marked = /[+~.-](?:deb|bpo)(\d+)/.exec(name) ?? /[+~](?:deb|bpo)(\d+)/.exec(version);
  if (marked !== null) return marked[1] as string;
  return DEBIAN_KERNELS[seriesOf(version)] ?? null;
}

/** `5.15.0-91.101~20.04.1`, else the release that the series was made for. */
function ubuntuVersion(version: string): string | null {
  return /~(\d\d\.\d\d)/.exec(version)?.[1] ?? UBUNTU_KERNELS[seriesOf(version)] ?? null;
}

function seriesOf(version: string): string {
  return /^\d+\.\d+/.exec(version)?.[0] ?? "";
}

/** What an rpm package's header tells; `uname -r` of its kernels is VERSION-RELEASE.ARCH. */
export function identityOfRpm({ version, release, arch, vendor, distribution }: RpmTags): KernelIdentity {
  const known = RPM_VENDORS.find(([pattern]) => pattern.test(`${vendor} ${distribution}`))?.[1] ?? null;
  const mark = /\.(fc|el|amzn)(\d+(?:_\d+)?)/.exec(release);
  const id = known ?? (mark?.[1] === "fc" ? "fedora" : mark?.[1] === "amzn" ? "amzn" : null);
  const isPlain = id !== "sles" && id !== "opensuse-leap";
  return {
    id,
    versionId: mark?.[2]?.replace("_", ".") ?? null,
    arch: knownArch(arch),
    release: isPlain && version !== "" && release !== "" ? `${version}-${release}.${arch}` : null,
  };
}

/** Names of the command's options by the field they give. */
export const IDENTITY_OPTIONS: Readonly<Record<keyof KernelIdentity, string>> = {
  id: "--id",
  versionId: "--version-id",
  arch: "--arch",
  release: "--release",
};

/** The options that would give what is not known, in order. */
export function missingOptions(identity: KernelIdentity): string[] {
  const fields = Object.keys(IDENTITY_OPTIONS) as (keyof KernelIdentity)[];
  return fields.filter((field) => identity[field] === null).map((field) => IDENTITY_OPTIONS[field]);
}
