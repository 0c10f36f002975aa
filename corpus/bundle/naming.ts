import { canonicalArch, goArchOf, machineOf } from "../arch.ts";
import type { KernelIdentity } from "../kernel.ts";
import { kernelKey } from "../kernel.ts";

/**
 * Names that existing consumers look up, each as read from its source:
 *
 * - `btfhub`: `ID/VERSION_ID/ARCH/RELEASE.btf` with BTFHub's own arch names. aquasecurity/btfhub, tools/btfgen.sh, keeps
 *   the archive's directories; aquasecurity/tracee looks it up below `dist/btfhub/` (pkg/cmd/initialize/bpfobject.go,
 *   unpackBTFHub) and calls aarch64 `arm64` (common/environment/kernel_version.go, UnameMachine).
 * - `bcc`: `./ID/VERSION_ID/MACHINE/RELEASE.btf` with `uname -m`. iovisor/bcc, libbpf-tools/btf_helpers.c: the whole
 *   name is compared with the `name` field of a tar header, so it has at most 99 bytes and no other form will do.
 * - `inspektor-gadget`: `btfs/GOARCH/ID/VERSION_ID/MACHINE/RELEASE.btf`, GOARCH being `x86` for amd64.
 *   inspektor-gadget/inspektor-gadget, pkg/btfgen/btfgen.go: files embedded into its programs, below pkg/btfgen.
 * - `inspektor-gadget-image`: `ID/VERSION_ID/MACHINE/RELEASE.btf`, the layer of a gadget's image (a .tar.gz).
 *   Same repository, pkg/operators/btfgen/btfgen.go.
 */
export const NAMINGS = ["btfhub", "bcc", "inspektor-gadget", "inspektor-gadget-image"] as const;

/** Whose names a tree has. */
export type Naming = (typeof NAMINGS)[number];

const SUFFIX = ".btf";
const GO_PREFIX = "btfs/";
/** `char name[100]` in btf_helpers.c, with its NUL. */
const BCC_MOST_BYTES = 99;

/** Distributions whose os-release has quotes around ID: `ID="centos"`. */
const QUOTED_ID: ReadonlySet<string> = new Set([
  "almalinux",
  "amzn",
  "centos",
  "ol",
  "opensuse-leap",
  "opensuse-tumbleweed",
  "rhel",
  "rocky",
  "sles",
]);
/** Distributions whose os-release has none around VERSION_ID: `VERSION_ID=38`. */
const BARE_VERSION_ID: ReadonlySet<string> = new Set(["alpine", "fedora"]);

/** What a part of a name may be: a word of printable ASCII that no shell, tar or file system takes for something else. */
const PART = /^(?:-|[A-Za-z0-9_+~][\w.+~:@%,=^#!-]{0,127})$/;

/** Why an identity cannot be named, in words, or null where it can. A part that is not known is written as `-`. */
export function namingProblem(identity: KernelIdentity, naming: Naming = "btfhub"): string | null {
  if (identity.release === null) return "its kernel release is not known";
  if (identity.arch === null) return "its architecture is not known";
  for (const part of [identity.id, identity.versionId, identity.arch, identity.release]) {
    if (part !== null && (part === "-" || !PART.test(part))) return `${JSON.stringify(part)} cannot be part of a name`;
  }
  const name = nameOf(identity, naming);
  if (naming === "bcc" && name.length > BCC_MOST_BYTES)
    return `${name} has more than the 99 bytes that bcc can look up`;
  return null;
}

/** The name of a kernel's BTF in a tree. The identity must have a release and an architecture (see namingProblem). */
export function nameOf(identity: KernelIdentity, naming: Naming): string {
  if (naming === "btfhub") return kernelKey(identity) + SUFFIX;
  const arch = identity.arch ?? "-";
  const name = kernelKey({ ...identity, arch: machineOf(arch) }) + SUFFIX;
  if (naming === "bcc") return `./${name}`;
  if (naming === "inspektor-gadget") return `${GO_PREFIX}${embedArch(arch)}/${name}`;
  return name;
}

/**
 * Further names under which the same bytes are looked up, because the consumer does not read os-release as the shell
 * would: both readers keep the quotes of `ID="centos"`, and bcc's finds no VERSION_ID that has none. A tar has these
 * names as well; a directory has not, since its files are for embedding, which allows no quotes.
 */
export function aliasesOf(identity: KernelIdentity, naming: Naming): readonly string[] {
  if (naming !== "bcc" && naming !== "inspektor-gadget-image") return [];
  const { id, versionId } = identity;
  const plain = nameOf(identity, naming);
  if (id === null || versionId === null) return [];
  const quotedId = QUOTED_ID.has(id);
  const bareVersion = naming === "bcc" && BARE_VERSION_ID.has(id);
  if (!quotedId && !bareVersion) return [];
  const start = naming === "bcc" ? "./" : "";
  const tail = plain.slice(`${start}${id}/${versionId}`.length);
  const alias = `${start}${quotedId ? `"${id}"` : id}/${bareVersion ? "" : versionId}${tail}`;
  return naming === "bcc" && alias.length > BCC_MOST_BYTES ? [] : [alias];
}

/** True for names of the kind aliasesOf gives: no canonical name has quotes or an empty part. */
export function looksLikeAlias(name: string): boolean {
  return name.includes('"') || name.includes("//");
}

/** Which kernel a tree's name belongs to, in any of the namings, or null where it is no such name. */
export function identityOfName(name: string): KernelIdentity | null {
  if (!name.endsWith(SUFFIX)) return null;
  const parts = name.slice(0, -SUFFIX.length).split("/");
  if (parts[0] === ".") parts.shift();
  if (parts.length === 6 && parts[0] === "btfs") parts.splice(0, 2);
  const [id, versionId, arch, release] = parts;
  if (parts.length !== 4 || !parts.every((part) => PART.test(part))) return null;
  if (arch === undefined || arch === "-" || release === undefined || release === "-") return null;
  return { id: known(id), versionId: known(versionId), arch: canonicalArch(arch), release };
}

/**
 * The namings that give all of these names, in the order of NAMINGS: several where they do not differ for the kernels
 * at hand (x86_64 alone). A directory does not show a leading `./`.
 */
export function namingsOf(names: ReadonlyMap<string, KernelIdentity>, inDirectory: boolean): Naming[] {
  return NAMINGS.filter((naming) =>
    [...names].every(([name, identity]) => {
      const expected = nameOf(identity, naming);
      return name === expected || (inDirectory && `./${name}` === expected);
    }),
  );
}

function known(part: string | undefined): string | null {
  return part === undefined || part === "-" ? null : part;
}

/** bpf2go's word for amd64 is x86, and inspektor-gadget's directories follow it. */
function embedArch(arch: string): string {
  const go = goArchOf(arch);
  return go === "amd64" ? "x86" : go;
}
