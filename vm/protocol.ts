/**
 * What comes out of a virtual machine: the checker's own answer (checker/protocol.ts), line by line, and between them
 * what the guest's first process has to say. One frame may have several lines.
 */
import type { LoaderLine } from "../checker/loader-protocol.ts";
import type { AnswerLine } from "../checker/protocol.ts";

/** Where things are in the guest's file system. */
export const GUEST = {
  node: "/bin/node",
  init: "/app/guest.cjs",
  /** The checker, or the runner. */
  checker: "/app/checker.cjs",
  modules: "/app/node_modules",
  libraries: "/lib",
  request: "/check/request.json",
  full: "/check/full.btf",
  small: "/check/small.btf",
  settings: "/check/settings.json",
} as const;

/** A file of the guest: what its first process has to know. */
export interface GuestSettings {
  /** How long the checker may say nothing, in milliseconds. */
  readonly silenceMs: number;
}

/** The first line: the guest has started. */
export interface GuestLine {
  readonly type: "guest";
  readonly release: string;
  /** True where the kernel's own BTF is the one it is to be checked with; null where it shows none. */
  readonly sameBtf: boolean | null;
}

/** The checker died, or fell silent, at the object that it took up last: it is started again for those behind it. */
export interface BrokenLine {
  readonly type: "broken";
  readonly how: string;
}

/** The guest can do no more; nothing follows. */
export interface FailedLine {
  readonly type: "failed";
  readonly reason: string;
}

/** Any line that a virtual machine says. */
export type VmLine = AnswerLine | LoaderLine | GuestLine | BrokenLine | FailedLine;
