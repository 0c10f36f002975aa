/**
 * The system's libbpf. Every function used is in all of libbpf 1.x, and the options are those of 1.0, which later
 * versions take by their `sz`. Pointers are opaque.
 */
import type { AppendedCode } from "../lib/verify/loader-run.ts";
import { LOG_BYTES } from "./kernel.ts";
import { CStruct, cString, type Koffi, type Pointer, textIn } from "./native.ts";

/** The name by which programs are linked to it, in every version 1.x. */
const LIBBPF = "libbpf.so.1";
/** struct bpf_object_open_opts of libbpf 1.0: sz, object_name, relaxed_maps, pin_root_path, :32, kconfig, ... */
const OPEN_OPTS = { size: 80, name: 8, customBtf: 48 } as const;
const LOG_LINE_BYTES = 1 << 14;
const LIBBPF_WARN = 0;
/** "prog 'exec': added 12 insns from sub-prog 'helper'" (libbpf.c, bpf_object__append_subprog_code). */
const APPENDED = /prog '(.*)': added (\d+) insns from sub-prog '(.*)'/;

/** What libbpf said since it was asked last. */
export interface LibbpfTalk {
  readonly warnings: readonly string[];
  /** Subprograms by the program that they were put behind. */
  readonly appended: ReadonlyMap<string, readonly AppendedCode[]>;
}

/** libbpf's functions, bound. */
export interface Libbpf {
  readonly version: string;
  /** The second number of the version. */
  readonly minor: number;
  /** Opens an object from memory; null where libbpf refuses it, then `errno()` says why. */
  open(bytes: Uint8Array, name: string, btf: string): Pointer | null;
  close(object: Pointer): void;
  /** 0, or an errno. */
  load(object: Pointer): number;
  errno(): number;
  /** What was said since the last time. */
  takeTalk(): LibbpfTalk;
  programs(object: Pointer): Pointer[];
  programName(program: Pointer): string;
  programSection(program: Pointer): string;
  programFd(program: Pointer): number;
  /** A copy of its code as it is now. */
  code(program: Pointer): Uint8Array;
  setAutoload(program: Pointer, on: boolean): void;
  /** enum bpf_prog_type */
  type(program: Pointer): number;
  setType(program: Pointer, type: number): void;
  /** Where the verifier's log of this program goes when it is refused. */
  setLog(program: Pointer, log: Buffer): void;
  maps(object: Pointer): Pointer[];
  readonly map: MapFunctions;
}

/** Functions of maps. */
export interface MapFunctions {
  name(map: Pointer): string;
  type(map: Pointer): number;
  keySize(map: Pointer): number;
  valueSize(map: Pointer): number;
  maxEntries(map: Pointer): number;
  isInternal(map: Pointer): boolean;
  pinPath(map: Pointer): string | null;
  setAutocreate(map: Pointer, on: boolean): void;
  setMaxEntries(map: Pointer, entries: number): void;
  setValueSize(map: Pointer, bytes: number): void;
  clearPinPath(map: Pointer): void;
}

/** Loads libbpf; its reason, in words, where that cannot be done. */
export function loadLibbpf(koffi: Koffi, path: string | null): Libbpf | { readonly missing: string } {
  try {
    return bind(koffi, path ?? LIBBPF);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return { missing: said.split("\n")[0] ?? "" };
  }
}

function bind(koffi: Koffi, path: string): Libbpf {
  const library = koffi.load(path);
  const bind = (declaration: string) => library.func(declaration);
  const versionString = bind("const char *libbpf_version_string()");
  const open = bind("void *bpf_object__open_mem(void *bytes, size_t size, void *opts)");
  const close = bind("void bpf_object__close(void *object)");
  const load = bind("int bpf_object__load(void *object)");
  const nextProgram = bind("void *bpf_object__next_program(void *object, void *program)");
  const nextMap = bind("void *bpf_object__next_map(void *object, void *map)");
  const programName = bind("const char *bpf_program__name(void *program)");
  const programSection = bind("const char *bpf_program__section_name(void *program)");
  const programFd = bind("int bpf_program__fd(void *program)");
  const instructions = bind("void *bpf_program__insns(void *program)");
  const instructionCount = bind("size_t bpf_program__insn_cnt(void *program)");
  const setAutoload = bind("int bpf_program__set_autoload(void *program, bool on)");
  const type = bind("int bpf_program__type(void *program)");
  const setType = bind("int bpf_program__set_type(void *program, int type)");
  const setLog = bind("int bpf_program__set_log_buf(void *program, void *log, size_t size)");
  const mapName = bind("const char *bpf_map__name(void *map)");
  const mapType = bind("int bpf_map__type(void *map)");
  const keySize = bind("uint32_t bpf_map__key_size(void *map)");
  const valueSize = bind("uint32_t bpf_map__value_size(void *map)");
  const maxEntries = bind("uint32_t bpf_map__max_entries(void *map)");
  const isInternal = bind("bool bpf_map__is_internal(void *map)");
  const pinPath = bind("const char *bpf_map__pin_path(void *map)");
  const setAutocreate = bind("int bpf_map__set_autocreate(void *map, bool on)");
  const setMaxEntries = bind("int bpf_map__set_max_entries(void *map, uint32_t entries)");
  const setValueSize = bind("int bpf_map__set_value_size(void *map, uint32_t bytes)");
  const setPinPath = bind("int bpf_map__set_pin_path(void *map, const char *path)");
  const takeTalk = listen(koffi, bind("void *libbpf_set_print(void *print)"));
  const walk = (next: typeof nextProgram, object: Pointer): Pointer[] => {
    const found: Pointer[] = [];
    for (let one = next(object, null); one !== null; one = next(object, one)) found.push(one);
    return found;
  };
  const version = String(versionString()).replace(/^v/, "");
  return {
    version,
    minor: Number(version.split(".")[1] ?? 0),
    open(bytes, name, btf) {
      const opts = new CStruct(koffi, OPEN_OPTS.size);
      opts.setU64(0, OPEN_OPTS.size);
      opts.setPointer(OPEN_OPTS.name, cString(name));
      opts.setPointer(OPEN_OPTS.customBtf, cString(btf));
      return open(bytes, bytes.length, opts.bytes);
    },
    close: (object) => close(object),
    load: (object) => Math.abs(Number(load(object))),
    errno: () => koffi.errno(),
    takeTalk,
    programs: (object) => walk(nextProgram, object),
    programName: (program) => String(programName(program)),
    programSection: (program) => String(programSection(program)),
    programFd: (program) => Number(programFd(program)),
    code(program) {
      const bytes = Number(instructionCount(program)) * 8;
      return Uint8Array.from(koffi.decode(instructions(program), "uint8_t", bytes));
    },
    setAutoload: (program, on) => void setAutoload(program, on),
    type: (program) => Number(type(program)),
    setType: (program, type) => void setType(program, type),
    setLog: (program, log) => void setLog(program, log, Math.min(log.length, LOG_BYTES)),
    maps: (object) => walk(nextMap, object),
    map: {
      name: (map) => String(mapName(map)),
      type: (map) => Number(mapType(map)),
      keySize: (map) => Number(keySize(map)),
      valueSize: (map) => Number(valueSize(map)),
      maxEntries: (map) => Number(maxEntries(map)),
      isInternal: (map) => Boolean(isInternal(map)),
      pinPath: (map) => pinPath(map) as string | null,
      setAutocreate: (map, on) => void setAutocreate(map, on),
      setMaxEntries: (map, entries) => void setMaxEntries(map, entries),
      setValueSize: (map, bytes) => void setValueSize(map, bytes),
      clearPinPath: (map) => void setPinPath(map, null),
    },
  };
}

/**
 * Takes libbpf's log line by line. Its `va_list` is a pointer, or passed as one, on every 64-bit architecture of
 * Linux, so that vsnprintf can have it as it comes.
 */
function listen(koffi: Koffi, setPrint: (print: unknown) => unknown): () => LibbpfTalk {
  const format = koffi.load("libc.so.6").func("int vsnprintf(void *into, size_t size, void *format, void *args)");
  const line = Buffer.alloc(LOG_LINE_BYTES);
  let warnings: string[] = [];
  let appended = new Map<string, AppendedCode[]>();
  const print = (level: number, text: Pointer, args: Pointer): number => {
    format(line, line.length, text, args);
    const said = textIn(line).trimEnd();
    if (level === LIBBPF_WARN) {
      warnings.push(said.replace(/^libbpf: /, ""));
      return 0;
    }
    const [, program, slots, name] = APPENDED.exec(said) ?? [];
    if (program !== undefined && name !== undefined) {
      const list = appended.get(program);
      const code = { name, slots: Number(slots) };
      if (list === undefined) appended.set(program, [code]);
      else list.push(code);
    }
    return 0;
  };
  const prototype = koffi.proto("int btfgen_libbpf_print(int level, void *format, void *args)");
  setPrint(koffi.register(print, koffi.pointer(prototype)));
  return () => {
    const talk = { warnings, appended };
    warnings = [];
    appended = new Map();
    return talk;
  };
}
