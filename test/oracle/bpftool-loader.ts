/** bpftool's own loader programs: what `bpftool gen skeleton -L` embeds, read out of the C header that it writes. */
import type { CreatedObject } from "../../checker/loader-protocol.ts";
import type { RunnerQuestion } from "../../cli/loader/runner-process.ts";
import { bpftoolCommand } from "./bpftool.ts";
import { describeFailure, runProcess } from "./process.ts";

/** A loader program of bpftool's, and what it makes, in order. */
export interface BpftoolLoader {
  readonly instructions: Uint8Array;
  readonly data: Uint8Array;
  readonly question: RunnerQuestion;
  /** Names of its maps and programs, as the header has them. */
  readonly names: readonly string[];
}

/** struct bpf_loader_ctx, struct bpf_map_desc, struct bpf_prog_desc (libbpf's skel_internal.h). */
const CONTEXT_BYTES = 24;
const MAP_BYTES = 16;
const PROGRAM_BYTES = 4;

/** Has bpftool write the skeleton; the reason in words where it does not. */
export function bpftoolLoader(object: string, name: string): BpftoolLoader | string {
  const command = bpftoolCommand();
  if (command === undefined) return "bpftool is not installed";
  const result = runProcess([command[0], "gen", "skeleton", "-L", object, "name", name]);
  if (result.code !== 0) return describeFailure(result);
  const header = Buffer.from(result.stdout).toString("latin1");
  const maps = members(header, "bpf_map_desc");
  const programs = members(header, "bpf_prog_desc");
  const data = literalOf(header, "data");
  const programsAt = CONTEXT_BYTES + maps.length * MAP_BYTES;
  return {
    instructions: literalOf(header, "insns"),
    data,
    names: [...maps, ...programs],
    question: {
      dataSize: data.length,
      contextSize: programsAt + programs.length * PROGRAM_BYTES,
      descriptors: [
        ...maps.map((_, i) => ({ kind: "map", at: CONTEXT_BYTES + i * MAP_BYTES }) as const),
        ...programs.map((_, i) => ({ kind: "program", at: programsAt + i * PROGRAM_BYTES }) as const),
      ],
      perCpu: [],
      settings: [],
      signature: null,
      logLevel: 0,
      logSteps: [],
    },
  };
}

function members(header: string, type: string): string[] {
  return [...header.matchAll(new RegExp(`^\\t\\tstruct ${type} (\\w+);$`, "gm"))].map(([, name = ""]) => name);
}

/** The bytes of a string literal: `opts.data = (void *)"..."` until bpftool 7.2, `static const char opts_data[]` since. */
function literalOf(header: string, field: "data" | "insns"): Uint8Array {
  const start = new RegExp(
    `opts[._]${field}(?:\\[\\] __attribute__\\(\\(__aligned__\\(8\\)\\)\\))? = (?:\\(void \\*\\))?"`,
  ).exec(header);
  if (start === null) throw new Error(`no ${field} in the header`);
  const from = start.index + start[0].length;
  const text = header.slice(from, header.indexOf('";', from));
  const bytes: number[] = [];
  for (const [, escaped] of text.matchAll(/\\(x[0-9a-f]{2}|0|\n)/g)) {
    if (escaped === "0") bytes.push(0);
    else if (escaped !== undefined && escaped !== "\n") bytes.push(Number.parseInt(escaped.slice(1), 16));
  }
  return Uint8Array.from(bytes);
}

/** BPF_F_MMAPABLE */
const MAPPABLE = 1 << 10;

/**
 * What must be equal: all that the kernel tells but the id. Releases of libbpf before 1.1 let every data map be mapped,
 * later ones those with a variable that is not static: as ours.
 */
export function createdFacts(created: readonly CreatedObject[], ours: readonly CreatedObject[]) {
  return created.map(({ id: _, ...rest }, i) => {
    const isData = rest.kind === "map" && /\.(bss|data|rodata)/.test(rest.name);
    const isMasked = isData && ((ours[i]?.flags ?? 0) & MAPPABLE) === 0;
    return isMasked ? { ...rest, flags: rest.flags & ~MAPPABLE } : rest;
  });
}
