import { type Btf, type BtfSegment, typeCount } from "../btf/view.ts";
import type { AttachTarget } from "../core/attach-targets.ts";
import type { ReloRecord } from "../core/resolve.ts";
import type { Draft, Drafts } from "./draft.ts";
import { indexType } from "./draft-shared.ts";
import { hideModuleNames } from "./hide-names.ts";
import { type KeepProblem, markKeep } from "./keep.ts";
import { type AttachProblem, forbidDeclarations, markAttachTargets } from "./keep-attach.ts";
import { makeDrafts } from "./make-drafts.ts";
import { markLong, markRecords } from "./mark-records.ts";
import { emptyMarks, settleMarks } from "./marks.ts";
import { mergeDrafts } from "./merge.ts";
import { addPadding, markByte } from "./padding.ts";
import { writeDrafts } from "./write.ts";

/** How to minimize. */
export interface MinimizeOptions {
  /** Keep typedefs, modifiers and the names of kept types, for people who read the result. */
  readonly keepNames?: boolean;
  /** Write base and modules as one BTF, for loaders that read only one. */
  readonly flatten?: boolean;
  /** Write a 32-byte header with the layout section (kernels before 7.1 refuse it). */
  readonly layout?: boolean;
  /**
   * Write every string by itself, none as another's tail: a few percent more, and the only BTF that cilium/ebpf reads.
   * A job that serves its rules does it unasked.
   */
  readonly wholeStrings?: boolean;
  /**
   * Keep the size of `long` for 64-bit kernels too. Loaders read a pointer's size off it and otherwise take their own,
   * which is wrong only for a 32-bit loader on a 64-bit kernel; for 32-bit kernels it is always kept.
   */
  readonly keepLong?: boolean;
  /**
   * What stands between the members that are kept. `offsets` (the default): nothing, sizes and offsets say it.
   * `explicit`: named padding members, and the names that C needs, so that the types printed as C and compiled have the
   * same sizes and offsets (see padding.ts). Loaders resolve both alike.
   */
  readonly padding?: "offsets" | "explicit";
  /** Types and members that only user space needs, as `TYPE[.MEMBER...]`: see markKeep. */
  readonly keep?: readonly string[];
  /**
   * What objects attach to, kept as signatures for tools to compare: see markAttachTargets. Ids change, so none is of
   * use as an attach id.
   */
  readonly attachTargets?: readonly AttachTarget[];
}

/** One written blob. */
export interface MinimizedBlob {
  /** The file it was made from: the base's, or a module's. */
  readonly source: string;
  readonly bytes: Uint8Array;
}

/** The result of minimizing one target. */
export interface Minimized {
  /** The base, then the modules (split BTF on it) in the order they were given; one blob when flattened. */
  readonly blobs: readonly [MinimizedBlob, ...MinimizedBlob[]];
  /** Types in the source and in the result, void not counted. */
  readonly typesBefore: number;
  readonly typesAfter: number;
  /** New type id by old one, for the types that are kept: ids change. */
  readonly newIds: ReadonlyMap<number, number>;
  /** What of `keep` could not be kept. */
  readonly keepProblems: readonly KeepProblem[];
  /** Those of `attachTargets` that the target does not have. */
  readonly attachProblems: readonly AttachProblem[];
}

/**
 * Writes the part of a target that keeps every (relocation, candidate) pair's outcome as it is. The records must have
 * been resolved against this very target with `evidence: true`, one list for every rule set to be served.
 */
export function minimize(target: Btf, records: readonly ReloRecord[], options: MinimizeOptions = {}): Minimized {
  const flatten = options.flatten === true;
  const segments = flatten ? 1 : target.segments.length;
  const printable = options.padding === "explicit";
  const marks = emptyMarks(target, options.keepNames === true, printable);
  const keepProblems = markKeep(marks, options.keep ?? []);
  const attachProblems = markAttachTargets(marks, options.attachTargets ?? []);
  if (printable) markByte(marks);
  settleMarks(marks);
  forbidDeclarations(marks, records);
  markRecords(marks, records, segments > 1);
  if (target.pointerSize === 4 || options.keepLong === true) markLong(marks);
  if (flatten && marks.keepNames) hideModuleNames(marks, records);
  const drafts = makeDrafts(marks);
  if (flatten) drafts.list = flattened(drafts);
  // The kernel refuses a base without types (kernel/bpf/btf.c, btf_check_sec_info), so where nothing is kept of it, an
  // integer stands for nothing.
  if (!drafts.list.some(({ segment }) => segment === 0)) indexType(drafts);
  mergeDrafts(drafts);
  if (printable) addPadding(marks, drafts);
  const { littleEndian } = (target.segments[0] as BtfSegment).header;
  const written = writeDrafts(drafts.list, {
    littleEndian,
    layout: options.layout === true,
    shareTails: options.wholeStrings !== true,
    segments,
  });
  const newIds = new Map<number, number>();
  for (const [id, draft] of drafts.bySource) newIds.set(id, written.ids.get(draft) as number);
  return {
    blobs: written.blobs.map((bytes, i) => ({
      source: (target.segments[i] as BtfSegment).source,
      bytes,
    })) as [MinimizedBlob, ...MinimizedBlob[]],
    typesBefore: typeCount(target) - 1,
    typesAfter: drafts.list.length,
    newIds,
    keepProblems,
    attachProblems,
  };
}

function flattened(drafts: Drafts): Draft[] {
  for (const draft of drafts.list) draft.segment = 0;
  return drafts.list;
}
