import { FormatError } from "./error.ts";
import { INFO_KIND_MASK, INFO_KIND_SHIFT, INFO_WORD, KIND_MAX, TYPE_WORDS } from "./format.ts";
import { ELEMENT_WORDS, FIXED_WORDS } from "./kind-table.ts";
import { applyLayout, type RecordSizes } from "./layout.ts";
import { complainOfFile, type LintFinding, type LintReport, type LintSubject } from "./lint-finding.ts";
import { lintHeader, lintStrings } from "./lint-header.ts";
import { lintRecord, type RecordPass } from "./lint-meta.ts";
import { nameChecker } from "./lint-names.ts";
import { lintGraph } from "./lint-resolve.ts";
import { lintChains } from "./lint-tags.ts";
import { lintWaste } from "./lint-waste.ts";
import { pointerSizeOf } from "./parse.ts";
import { type Scan, scanTypes } from "./scan.ts";
import type { Btf, BtfHeader } from "./view.ts";
import { readWords } from "./words.ts";

/** What the caller knows that the bytes do not say. */
export interface LintOptions {
  /** Name for messages; `BTF` when absent. */
  readonly source?: string;
  /** The base that split BTF continues; its own types are not checked. Of a view with modules, only the base counts. */
  readonly base?: Btf;
  /** Bytes of a pointer where that is known; otherwise the base's, or read off the size of `long`. */
  readonly pointerSize?: 4 | 8;
  /** True when a .BTF.ext section goes with the blob: it names strings too, so that none counts as unused. */
  readonly hasExt?: boolean;
  /** Most findings to list; 1,000 by default. One more says how many were left off. */
  readonly limit?: number;
}

/** BTF_MAX_TYPE: the greatest type id (Linux include/uapi/linux/btf.h). */
const MAX_TYPE_ID = 0x000f_ffff;
const DEFAULT_LIMIT = 1000;
const KNOWN_SIZES: RecordSizes = { fixedWords: FIXED_WORDS, elementWords: ELEMENT_WORDS };

/**
 * Checks a blob against the rules by which Linux's BPF_BTF_LOAD takes or refuses BTF, and some of good sense. Unlike
 * the kernel it goes on after a fault: every finding stands for itself, in the order header, records, graph, waste.
 * An error means that the kernel refuses the blob, no error that it takes it, apart from its rules for special fields
 * (bpf_spin_lock, kptr and the like), which depend on the running kernel.
 * Never throws: bytes that are no BTF at all are one finding.
 */
export function lintBtf(bytes: Uint8Array, options: LintOptions = {}): LintFinding[] {
  const report: LintReport = { findings: [], limit: options.limit ?? DEFAULT_LIMIT, dropped: 0 };
  const header = lintHeader(bytes, options.base !== undefined, report);
  if (header !== undefined) lintSections(bytes, header, options, report);
  if (report.dropped > 0) {
    const message = `${report.dropped} more findings are not listed`;
    report.findings.push({ rule: "findings-cut", severity: "warning", kind: "FILE", typeId: 0, name: "", message });
  }
  return report.findings;
}

/** True when a finding is an error: the kernel refuses the blob. */
export function hasErrors(findings: readonly LintFinding[]): boolean {
  return findings.some(({ severity }) => severity === "error");
}

function lintSections(bytes: Uint8Array, header: BtfHeader, options: LintOptions, report: LintReport): void {
  const stringFrom = header.headerLength + header.stringOffset;
  const strings = bytes.subarray(stringFrom, stringFrom + header.stringLength);
  lintStrings(strings, options.base !== undefined, report);
  const { subject, stringStart, idsInRange, hasUnknownKinds } = readTypes(bytes, header, strings, options, report);
  const used = new Uint8Array(subject.endId);
  const pass: RecordPass = { subject, names: nameChecker(subject.btf.strings), used, idsInRange };
  for (let id = subject.startId; id < subject.endId; id++) lintRecord(pass, id);
  lintChains(lintGraph(subject));
  // What a kind that this library does not know refers to cannot be told.
  if (subject.complete && !hasUnknownKinds) {
    lintWaste(pass, { stringStart, ownsStrings: options.hasExt !== true });
  }
}

/** A view of as many records as can be read: like parse's, but nothing of it is checked. */
function readTypes(
  bytes: Uint8Array,
  header: BtfHeader,
  ownStrings: Uint8Array,
  options: LintOptions,
  report: LintReport,
): { subject: LintSubject; stringStart: number; idsInRange: boolean; hasUnknownKinds: boolean } {
  const source = options.source ?? "BTF";
  const base = baseOf(options.base);
  const words = new Uint32Array(base.words.length + header.typeLength / 4);
  words.set(base.words);
  readWords(
    bytes,
    header.headerLength + header.typeOffset,
    header.typeLength,
    header.littleEndian,
    words,
    base.words.length,
  );
  const offsets = new Uint32Array(base.endId + Math.floor((words.length - base.words.length) / TYPE_WORDS) + 1);
  offsets.set(base.offsets);
  const section = { words, from: base.words.length, to: words.length, firstId: base.endId, source };
  const scan = scanTypes(section, sizesOf(bytes, header, source, report), offsets, base.endId);
  lintScan(words, base.words.length, scan, report);
  const strings = joined(base.strings, ownStrings);
  const pointerSize = options.pointerSize ?? base.pointerSize ?? pointerSizeOf(words, scan.integers, strings);
  const btf: Btf = {
    source,
    words,
    offsets: offsets.slice(0, scan.endId + 1),
    strings,
    segments: [],
    roots: scan.roots,
    pointerSize,
  };
  const subject = { btf, startId: base.endId, endId: scan.endId, complete: scan.badRecord === -1, report };
  return {
    subject,
    stringStart: base.strings.length,
    idsInRange: scan.maxId >= 0 && scan.maxId < scan.endId,
    hasUnknownKinds: header.layoutLength > (KIND_MAX + 1) * 4,
  };
}

/** The part of a base that split BTF continues; without a base, void alone. */
interface BasePart {
  readonly words: Uint32Array;
  readonly offsets: Uint32Array;
  readonly strings: Uint8Array;
  readonly endId: number;
  readonly pointerSize: number | undefined;
}

function baseOf(base: Btf | undefined): BasePart {
  const segment = base?.segments[0];
  if (base === undefined || segment === undefined) {
    return {
      words: new Uint32Array(TYPE_WORDS),
      offsets: new Uint32Array(1),
      strings: new Uint8Array(0),
      endId: 1,
      pointerSize: undefined,
    };
  }
  const { endId, stringEnd } = segment;
  return {
    words: base.words.subarray(0, base.offsets[endId]),
    offsets: base.offsets.subarray(0, endId),
    strings: base.strings.subarray(0, stringEnd),
    endId,
    pointerSize: base.pointerSize,
  };
}

function joined(base: Uint8Array, own: Uint8Array): Uint8Array {
  if (base.length === 0) return own;
  const strings = new Uint8Array(base.length + own.length);
  strings.set(base);
  strings.set(own, base.length);
  return strings;
}

function sizesOf(bytes: Uint8Array, header: BtfHeader, source: string, report: LintReport): RecordSizes {
  if (header.layoutLength === 0) return KNOWN_SIZES;
  const from = header.headerLength + header.layoutOffset;
  try {
    return applyLayout(bytes.subarray(from, from + header.layoutLength), source, KNOWN_SIZES);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    complainOfFile(report, "layout-section", "LAYOUT", error.detail, { offset: error.offset ?? 0 });
    return KNOWN_SIZES;
  }
}

/** A record that could not be read ends the pass over the types; the number of types has a limit. */
function lintScan(words: Uint32Array, from: number, scan: Scan, report: LintReport): void {
  if (scan.endId - 1 > MAX_TYPE_ID) {
    const message = `${scan.endId - 1} types, at most ${MAX_TYPE_ID}`;
    complainOfFile(report, "too-many-types", "TYPES", message, { offset: 0 });
  }
  const at = scan.badRecord;
  if (at === -1) return;
  const place = { offset: (at - from) * 4 };
  const kind = ((words[at + INFO_WORD] ?? 0) >>> INFO_KIND_SHIFT) & INFO_KIND_MASK;
  const isWhole = at + TYPE_WORDS <= words.length;
  if (isWhole && (kind === 0 || kind > KIND_MAX)) {
    const message = `type id ${scan.endId} is of kind ${kind}, expected 1 to ${KIND_MAX}`;
    complainOfFile(report, "unknown-kind", "TYPES", message, place);
  } else {
    const message = `the record of type id ${scan.endId} goes on behind the end of the section`;
    complainOfFile(report, "truncated-record", "TYPES", message, place);
  }
}
