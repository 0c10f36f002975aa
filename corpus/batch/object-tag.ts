import { ownName } from "../../lib/elf/object-name.ts";
import { knownArch } from "../arch.ts";

/** For which kernels an object is, as far as somebody has said so: BPF ELF files do not. */
export interface ObjectTag {
  /** As it was given or found: `arm64`, `x86`. */
  readonly word: string;
  /** Architectures of kernels, by BTFHub's names. */
  readonly arches: readonly string[];
}

/** A tag that takes back what a file's name says. */
const ANY = "any";

/**
 * Words that bpf2go puts into file names (`prog_x86_bpfel.o`), and what they are in BTFHub's tree. They are the names of
 * the kernel's source directories, which several architectures may share. Source: cilium/ebpf, cmd/bpf2go, the table
 * of targets.
 */
const BPF2GO_WORDS: ReadonlyMap<string, readonly string[]> = new Map([
  ["x86", ["x86_64", "x86"]],
  ["arm", ["arm"]],
  ["arm64", ["arm64"]],
  ["loongarch", ["loong64"]],
  ["mips", ["mips64el"]],
  ["powerpc", ["ppc64le", "ppc64"]],
  ["riscv", ["riscv64"]],
  ["s390", ["s390x"]],
]);

/** `prog_x86_bpfel.o`, `prog_arm64.o`, `prog_x86.bpf.o`. */
const BPF2GO_NAME = /_([a-z0-9]+?)(?:_bpfe[lb])?(?:\.bpf)?\.o$/;

/** An `--object` argument: a path, or `ARCH=PATH`. `any=PATH` says that it is for every architecture. */
export interface ObjectArgument {
  readonly path: string;
  /** Null where the argument has none; the tag without architectures for `any`. */
  readonly tag: ObjectTag | null;
}

/** Splits `arm64=x.o`. What is before the `=` must be an architecture's name, or all of it is a path. */
export function parseObjectArgument(argument: string): ObjectArgument {
  const equals = argument.indexOf("=");
  const word = argument.slice(0, Math.max(equals, 0));
  const path = argument.slice(equals + 1);
  if (word === ANY) return { path, tag: { word, arches: [] } };
  const arches = archesOf(word);
  return arches === null ? { path: argument, tag: null } : { path, tag: { word, arches } };
}

/** The tag in an object's name (`dir/prog_arm64_bpfel.o`, `tool#prog_x86_bpfel.o`), or null. */
export function tagOfName(name: string): ObjectTag | null {
  const word = BPF2GO_NAME.exec(ownName(name))?.[1];
  const arches = word === undefined ? undefined : BPF2GO_WORDS.get(word);
  return word === undefined || arches === undefined ? null : { word, arches };
}

/** The tag of an object: the argument's own, or else its name's. Null where the object is for every architecture. */
export function tagFor(argument: ObjectTag | null, name: string): ObjectTag | null {
  const tag = argument ?? tagOfName(name);
  return tag === null || tag.arches.length === 0 ? null : tag;
}

function archesOf(word: string): readonly string[] | null {
  if (word === "") return null;
  const shared = BPF2GO_WORDS.get(word);
  // `arm64` and `arm` mean themselves; `x86` is bpf2go's word for amd64 and 386.
  if (shared !== undefined) return shared;
  const arch = knownArch(word);
  return arch === null ? null : [arch];
}
