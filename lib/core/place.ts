import type { ReloDescription } from "./describe.ts";

/** Where a relocation is and what it asks for: how reports name one. */
export interface Place {
  /** The object's file, or `file#object`. */
  readonly object: string;
  readonly section: string;
  /** Null where no program holds the instruction. */
  readonly program: string | null;
  /** Index of the instruction (8 bytes each) in its program; in its section where there is no program. */
  readonly instruction: number;
  /** `exec.bpf.c:42`, without directories; null when the object does not say. */
  readonly source: string | null;
  /** `byte_off`, `field_exists`, ... */
  readonly kind: string;
  /** `task_struct.real_parent`, or root and access string where the path makes no sense. */
  readonly path: string;
}

/** Where a finding is: a relocation, or something that an object attaches to or calls, which is at no instruction. */
export type FindingPlace = Omit<Place, "instruction"> & { readonly instruction: number | null };

/** The place of a described relocation. */
export function placeOf({ object, section, program, instruction, source, kind, local }: ReloDescription): Place {
  const file = source?.file.slice(source.file.lastIndexOf("/") + 1);
  return {
    object,
    section,
    program,
    instruction,
    source: source === null ? null : `${file}:${source.line}`,
    kind,
    path: local.path ?? `${local.rootName || "(anon)"} ${local.access}`,
  };
}

/** `exec.o: handle_exec, insn 12 (exec.bpf.c:42): byte_off task_struct.tgid`. */
export function placeText({ object, section, program, instruction, source, kind, path }: FindingPlace): string {
  const line = source === null ? "" : ` (${source})`;
  const at = instruction === null ? "" : `, insn ${instruction}${line}`;
  return `${object}: ${program ?? `(${section})`}${at}: ${kind} ${path}`;
}
