/** What libbpf asks of a kernel for an object: maps, BTF and programs as it hands them to bpf(2), in a pretend kernel. */
import { type Built, buildNative } from "./native.ts";
import { describeFailure, runProcess } from "./process.ts";

/** A BPF_MAP_CREATE. */
export interface RecordedMap {
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly extra: number;
  readonly numaNode: number;
  /** Descriptor of the inner map; 0 for none. */
  readonly inner: number;
  readonly keyTypeId: number;
  readonly valueTypeId: number;
  readonly kernelTypeId: number;
}

/** A BPF_PROG_LOAD; bytes are in hex. */
export interface RecordedProgram {
  readonly name: string;
  readonly type: number;
  readonly attachType: number;
  readonly flags: number;
  readonly attachId: number;
  readonly version: number;
  readonly license: string;
  readonly instructions: string;
  readonly functionBytes: number;
  readonly functions: string;
  readonly lineBytes: number;
  readonly lines: string;
}

interface Descriptor {
  readonly name: string;
  readonly fd: number;
}

/** One load of one object. */
export interface Recorded {
  readonly object: string;
  /** errno of opening or of loading; 0 for none. */
  readonly errno: number;
  /** Maps in the order of their creation, those inside others left out. */
  readonly maps: readonly (RecordedMap & { readonly innerMap: RecordedMap | null })[];
  /** Descriptors that instructions have for the object's maps, in its order. */
  readonly descriptors: readonly Descriptor[];
  /** Of programs, those not loaded included. */
  readonly programDescriptors: readonly Descriptor[];
  readonly updates: readonly { readonly update: number; readonly key: number; readonly value: string }[];
  readonly frozen: readonly number[];
  /** In hex; null where none was loaded. */
  readonly btf: string | null;
  readonly programs: readonly RecordedProgram[];
}

interface Line {
  readonly begin?: string;
  readonly end?: string;
  readonly errno?: number;
  readonly map?: RecordedMap;
  readonly fd?: number;
  readonly update?: number;
  readonly key?: number;
  readonly value?: string;
  readonly freeze?: number;
  readonly btf?: string;
  readonly program?: RecordedProgram;
  readonly maps?: readonly Descriptor[];
  readonly programs?: readonly Descriptor[];
}

/** The C program that writes libbpf's calls down. */
export function libbpfRecorder(toolchain?: Parameters<typeof buildNative>[3]): Built {
  return buildNative("libbpf-recorder", ["libbpf-recorder.c", "fake-kernel.c"], ["bpf", "dl"], toolchain);
}

/** How to load; everything may be left out. */
interface RecordOptions {
  readonly kconfig?: string;
  /** Names of programs that are not loaded. */
  readonly skip?: readonly string[];
  /** A kernel that knows no kind of BTF beyond. */
  readonly kinds?: number;
  /** Split BTF files of the modules by module name, in load order. */
  readonly modules?: ReadonlyMap<string, string>;
  /** An emulator's, that ends with the recorder's path. */
  readonly command?: readonly string[];
}

/** Loads objects on a pretend kernel whose own BTF is the target. */
export function recordLoads(
  objects: readonly string[],
  target: string,
  { kconfig = "", skip = [], kinds, modules = new Map(), command = ownCommand() }: RecordOptions = {},
): Recorded[] {
  const settings = kconfig === "" ? [] : ["--kconfig", kconfig];
  const old = kinds === undefined ? [] : ["--kinds", String(kinds)];
  const split = [...modules].flatMap(([name, path]) => ["--module", `${name}=${path}`]);
  const left = skip.flatMap((name) => ["--skip", name]);
  const result = runProcess([...command, "--vmlinux", target, ...split, ...settings, ...old, ...left, ...objects], {
    timeoutMs: 120_000,
  });
  if (result.code !== 0) throw new Error(`the recorder failed: ${describeFailure(result)}`);
  const runs: Recorded[] = [];
  let lines: Line[] = [];
  for (const text of Buffer.from(result.stdout).toString("latin1").split("\n")) {
    if (text === "") continue;
    const line = JSON.parse(text) as Line;
    lines.push(line);
    if (line.end === undefined) continue;
    runs.push(readRun(lines));
    lines = [];
  }
  return runs;
}

function ownCommand(): readonly string[] {
  const built = libbpfRecorder();
  if ("missing" in built) throw new Error(built.missing);
  return [built.path];
}

function readRun(lines: readonly Line[]): Recorded {
  const created = lines.flatMap(({ map, fd }) => (map === undefined ? [] : [{ map, fd: fd ?? -1 }]));
  const maps = created.flatMap(({ map, fd }, i) => {
    const next = created[i + 1]?.map;
    // A map inside another is made right before it.
    if (next !== undefined && next.inner !== 0 && next.inner === fd) return [];
    const before = created[i - 1];
    return [{ ...map, innerMap: map.inner !== 0 && before !== undefined ? before.map : null }];
  });
  return {
    object: lines[0]?.begin ?? "",
    errno: lines[0]?.errno || (lines.at(-1)?.errno ?? 0),
    maps,
    descriptors: lines.at(-1)?.maps ?? [],
    programDescriptors: lines.at(-1)?.programs ?? [],
    updates: lines.flatMap(({ update, key, value }) =>
      update === undefined ? [] : [{ update, key: key ?? 0, value: value ?? "" }],
    ),
    frozen: lines.flatMap(({ freeze }) => freeze ?? []),
    btf: lines.find(({ btf }) => btf !== undefined)?.btf ?? null,
    // The first program without a name is libbpf's probe of whether it may load any.
    programs: lines.flatMap(({ program }) => (program === undefined || program.name === "" ? [] : [program])),
  };
}
