import { E2BIG, EINVAL, ENOMEM } from "../lib/verify/errno.ts";
import type { LoadRun, ProgramRun } from "../lib/verify/loader-run.ts";
import { adjustMaps, type MapRoom } from "./adjust-maps.ts";
import { type BpfSyscall, endOfLog, LOG_BYTES } from "./kernel.ts";
import type { Libbpf } from "./libbpf.ts";
import { type Pointer, textIn } from "./native.ts";

/** BPF_PROG_TYPE_UNSPEC: libbpf itself refuses to load such a program, after it has relocated all of them. */
const NO_TYPE = 0;
/** BPF_PROG_TYPE_STRUCT_OPS */
const STRUCT_OPS = 27;
/** The first minor version that leaves struct_ops programs alone whose maps are not to be created. */
const MINOR_OF_FREE_STRUCT_OPS = 4;
/** libbpf.c, bpf_object_load_prog and bpf_object__load_progs: said of the first program, when all are relocated. */
const STOPPED = /^prog '.*': (missing BPF prog type|BPF program load failed|failed to load)/;
const NO_CODE: readonly [] = [];

/** What asks: both interfaces, and room for a verifier's log. */
export interface Natives {
  readonly libbpf: Libbpf;
  readonly bpf: BpfSyscall;
  readonly log: Buffer;
  readonly processors: number;
}

/** What is opened. */
export interface OpenRequest extends Pick<LoadRun, "object" | "side" | "pass" | "program"> {
  readonly bytes: Uint8Array;
  /** What libbpf is told that the object is called. */
  readonly name: string;
  /** Path of the raw BTF. */
  readonly btf: string;
  readonly weakened: boolean;
  /** In pass `together`: the programs to load. */
  readonly only: ReadonlySet<string>;
}

/** Room for a verifier's log, once for all runs. */
export function logBuffer(): Buffer {
  return Buffer.alloc(LOG_BYTES);
}

/**
 * Has libbpf relocate an object's programs without any of them, or a map, going to the kernel: maps are not to be
 * created, and programs have no type, for which libbpf gives up when it comes to loading the first one. A struct_ops
 * program must keep its type before libbpf 1.4 (which crashes else), and goes to the kernel, which refuses it.
 */
export function relocateObject(natives: Natives, request: OpenRequest): LoadRun {
  const { libbpf } = natives;
  return opened(natives, request, (object, programs) => {
    for (const program of programs) {
      libbpf.setAutoload(program, isWanted(libbpf, program, request));
      const mustKeep = libbpf.minor < MINOR_OF_FREE_STRUCT_OPS && libbpf.type(program) === STRUCT_OPS;
      if (!mustKeep) libbpf.setType(program, NO_TYPE);
    }
    for (const map of libbpf.maps(object)) {
      libbpf.map.setAutocreate(map, false);
      libbpf.map.clearPinPath(map);
    }
    const errno = libbpf.load(object);
    const { warnings, appended } = libbpf.takeTalk();
    const ok = errno === 0 || warnings.some((text) => STOPPED.test(text));
    return {
      errno: ok ? 0 : errno,
      ok,
      warnings: ok ? NO_CODE : warnings,
      mapChanges: NO_CODE,
      programs: programs
        .filter((program) => isWanted(libbpf, program, request))
        .map((program): ProgramRun => {
          const name = libbpf.programName(program);
          return {
            name,
            section: libbpf.programSection(program),
            code: ok ? libbpf.code(program) : null,
            appended: appended.get(name) ?? NO_CODE,
            loaded: null,
          };
        }),
    };
  });
}

/** Loads programs into the kernel, and lets them go again. */
export function loadObject(natives: Natives, request: OpenRequest): LoadRun {
  const run = loadWith(natives, request, "enough");
  const maps = run.warnings.some((text) => /^map '.*': failed to create/.test(text));
  return !run.ok && maps && isForSize(run.errno) ? loadWith(natives, request, "least") : run;
}

function isForSize(errno: number): boolean {
  return errno === ENOMEM || errno === EINVAL || errno === E2BIG;
}

function loadWith(natives: Natives, request: OpenRequest, room: MapRoom): LoadRun {
  const { libbpf, bpf, log, processors } = natives;
  return opened(natives, request, (object, programs) => {
    log[0] = 0;
    for (const program of programs) {
      libbpf.setAutoload(program, isWanted(libbpf, program, request));
      libbpf.setLog(program, log);
    }
    const mapChanges = adjustMaps(libbpf, object, room, processors);
    const errno = libbpf.load(object);
    const { warnings } = libbpf.takeTalk();
    return {
      errno,
      ok: errno === 0,
      warnings,
      mapChanges,
      programs: programs
        .filter((program) => isWanted(libbpf, program, request))
        .map((program): ProgramRun => {
          const fd = libbpf.programFd(program);
          return {
            name: libbpf.programName(program),
            section: libbpf.programSection(program),
            code: null,
            appended: NO_CODE,
            loaded: errno === 0 && fd >= 0 ? bpf.programInfo(fd) : null,
          };
        }),
    };
  });
}

function isWanted(libbpf: Libbpf, program: Pointer, { pass, program: one, only }: OpenRequest): boolean {
  const name = libbpf.programName(program);
  if (pass === "together") return only.has(name);
  return one === null || one === name;
}

/** The part of a run that is known once an object is open. */
type Done = Pick<LoadRun, "errno" | "ok" | "warnings" | "mapChanges" | "programs">;

function opened(
  { libbpf, log }: Natives,
  request: OpenRequest,
  work: (object: Pointer, programs: readonly Pointer[]) => Done,
): LoadRun {
  const { object: index, side, pass, program, weakened } = request;
  const head = { object: index, side, pass, program, weakened };
  log[0] = 0;
  libbpf.takeTalk();
  const object = libbpf.open(request.bytes, request.name, request.btf);
  if (object === null) {
    const errno = libbpf.errno();
    const { warnings } = libbpf.takeTalk();
    return { ...head, errno, ok: false, warnings, verifierLog: "", programs: [], mapChanges: [] };
  }
  try {
    const done = work(object, libbpf.programs(object));
    return { ...head, ...done, verifierLog: done.ok ? "" : endOfLog(textIn(log)) };
  } finally {
    libbpf.close(object);
  }
}

/** Names of an object's programs, in its order; empty where libbpf does not open it. */
export function programNames({ libbpf }: Natives, bytes: Uint8Array, name: string, btf: string): string[] {
  const object = libbpf.open(bytes, name, btf);
  if (object === null) return [];
  try {
    return libbpf.programs(object).map((program) => libbpf.programName(program));
  } finally {
    libbpf.close(object);
  }
}
