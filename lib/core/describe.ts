import { nameOf } from "../btf/strings.ts";
import { type Btf, type BtfSegment, kindName, kindOf, segmentOf } from "../btf/view.ts";
import { explainCilium } from "./explain-cilium.ts";
import { explainEnumerator, explainField, type Hint, nearHint } from "./explain-field.ts";
import { explainMissing, nameMissing } from "./explain-missing.ts";
import { explainCompatible, explainMatch } from "./explain-type.ts";
import { INSN_BYTES } from "./instruction.ts";
import { ERROR_INVALID, MATCH, NO_MATCH } from "./match-state.ts";
import type { BpfObject, CoreRelocation } from "./object.ts";
import { pathText } from "./path-text.ts";
import { RELO_TYPE_ID_LOCAL, RELO_TYPE_MATCHES, reloClass, reloKindName } from "./relo-kind.ts";
import type { CandidateOutcome, ReloRecord } from "./resolve.ts";
import { LIBBPF_RULES, type MatchRules } from "./rules.ts";
import { lineLookup, type SourceLine } from "./source-line.ts";
import { parseSpec, type Spec, type SpecFailure } from "./spec.ts";
import { tryPatch } from "./try-patch.ts";
import { calculate, isError, type ReloValue } from "./value.ts";

/**
 * What becomes of a relocation:
 * - `resolved`: a candidate matches, the instruction gets its value.
 * - `absent`: nothing matches, and that is an answer: 0.
 * - `poisoned`: nothing matches, or a load cannot take the field's new size; the instruction must never be reached.
 * - `guarded`: the same, and it is not: a check before it says no (judge in survey.ts finds that out, not this file).
 * - `ambiguous`, `error`: a loader refuses the whole object.
 * - `skipped`: no program holds the instruction (a linker has dropped a weak function); loaders pass over it.
 */
export type DescribedStatus = "resolved" | "absent" | "guarded" | "poisoned" | "ambiguous" | "error" | "skipped";

/** A relocation as plain data, for JSON and for people; numbers that may need 64 bits are bigint. */
export interface ReloDescription {
  /** The object's file, or `file#object` for an embedded one. */
  readonly object: string;
  /** Position among the object's relocations, from 0. */
  readonly index: number;
  readonly section: string;
  /** Name of the program or subprogram that holds the instruction; null when none does. */
  readonly program: string | null;
  /** Index of the instruction (8 bytes each) in its program; in its section where there is no program. */
  readonly instruction: number;
  /** Where in the source it comes from; null when the object does not say. */
  readonly source: SourceLine | null;
  /** `byte_off`, `field_exists`, `type_size`, ... as libbpf's log has them. */
  readonly kind: string;
  readonly local: LocalDescription;
  /** The number the compiler has put into the instruction; null when the local path makes no sense. */
  readonly original: bigint | null;
  /** What becomes of it on the target; null without a target. */
  readonly result: ReloResult | null;
}

/** What a relocation asks for, in the object's own types. */
export interface LocalDescription {
  readonly rootId: number;
  /** `STRUCT`, `UNION`, `ENUM`, ... */
  readonly rootKind: string;
  /** Empty when it has none. */
  readonly rootName: string;
  /** The access string, `0:1:2`. */
  readonly access: string;
  /** `task_struct.real_parent`, `foo.a[3].b`, `bpf_features::BPF_FEAT_X`, `struct sock`; null when it makes no sense. */
  readonly path: string | null;
}

/** A relocation against a target. */
export interface ReloResult {
  readonly status: DescribedStatus;
  /** Why it is not `resolved`, in words; null when it is. */
  readonly reason: string | null;
  /** The number that goes into the instruction; null when none does. */
  readonly value: bigint | null;
  /** Bytes that a load or store moves, where the target changes that; null otherwise. */
  readonly resize: { readonly from: number; readonly to: number } | null;
  /** Index into `candidates` of the one whose value counts; null when none does. */
  readonly chosen: number | null;
  /** Every type of the target that bears the root's name, with its own outcome. */
  readonly candidates: readonly CandidateDescription[];
}

/** One type of the target that a relocation may mean. */
export interface CandidateDescription {
  /** Type id in its own file. */
  readonly id: number;
  readonly kind: string;
  readonly name: string;
  /** The module it comes from; null for the base. */
  readonly module: string | null;
  readonly outcome: "match" | "no match" | "error";
  /** The path in the target, as far as it could be followed. */
  readonly path: string;
  /** Offset of the field from the start of the root, in bytes, and the bits beyond those; null without a match. */
  readonly byteOffset: number | null;
  readonly bitOffset: number | null;
  readonly value: bigint | null;
  /** Why it does not match; null when it does. */
  readonly failure: string | null;
}

/**
 * Of what is not there, whether the reason names what comes near. A type's takes longer than all the rest (`members` leaves it
 * out); and a name that comes near differs from kernel to kernel where the reason is the same.
 */
export type Near = "all" | "members" | "none";

const NO_HINT: Hint = () => "";

/** Describes an object's relocations alone, without a target. @throws FormatError when `.BTF.ext` is damaged. */
export function describeRelocations(object: BpfObject): ReloDescription[] {
  const { btf } = object;
  if (btf === null) return [];
  const lineOf = lineLookup(object);
  return object.relocations.map((relocation) => {
    const { kind, typeId, accessString } = relocation;
    const spec = parseSpec(btf, kind, typeId, accessString);
    return { ...describeLocal(object, btf, relocation, spec, lineOf(relocation)), result: null };
  });
}

/**
 * Describes the records of one object against the target they were made with (and the rules, on which the words of
 * a failure depend). @throws FormatError when `.BTF.ext` is damaged.
 */
export function describeRecords(
  records: readonly ReloRecord[],
  target: Btf,
  rules: MatchRules = LIBBPF_RULES,
  near: Near = "all",
): ReloDescription[] {
  const [first] = records;
  if (first === undefined) return [];
  const { object } = first;
  const lineOf = lineLookup(object);
  const missing = new Map<number, string>();
  return records.map((record) => {
    const { relocation, local } = record;
    const btf = object.btf as Btf;
    const described = describeLocal(object, btf, relocation, local, lineOf(relocation));
    return { ...described, result: describeResult({ record, local: btf, target, rules, missing, near }) };
  });
}

function describeLocal(
  object: BpfObject,
  btf: Btf,
  relocation: CoreRelocation,
  spec: Spec | SpecFailure,
  source: SourceLine | null,
): Omit<ReloDescription, "result"> {
  const { kind, typeId, section, insnOffset } = relocation;
  const program = object.programs[relocation.program];
  return {
    object: object.source,
    index: relocation.index,
    section,
    program: program?.name ?? null,
    instruction: (insnOffset - (program?.offset ?? 0)) / INSN_BYTES,
    source,
    kind: reloKindName(kind),
    local: {
      rootId: typeId,
      rootKind: kindName(kindOf(btf, typeId)),
      rootName: nameOf(btf, typeId),
      access: relocation.accessString,
      path: "reason" in spec ? null : pathText(btf, spec),
    },
    original: "reason" in spec ? null : originalValue(object, btf, kind, spec),
  };
}

/** The object's own types as the target give what the compiler has written. */
function originalValue(object: BpfObject, btf: Btf, kind: number, spec: Spec): bigint | null {
  if (kind === RELO_TYPE_ID_LOCAL) return BigInt(spec.rootId);
  const value = calculate(kind, btf, spec, btf, spec, object.littleEndian);
  return isError(value) || value.poison ? null : value.original;
}

/** A record and all that its description needs. */
interface Subject {
  readonly record: ReloRecord;
  readonly local: Btf;
  readonly target: Btf;
  readonly rules: MatchRules;
  /** Words for root types without a candidate, by local type id: finding them goes through the whole target. */
  readonly missing: Map<number, string>;
  readonly near: Near;
}

function describeResult(subject: Subject): ReloResult {
  const { record } = subject;
  const { value } = record;
  const candidates = record.candidates.map((candidate) => describeCandidate(subject, candidate));
  const without = (status: DescribedStatus, reason: string): ReloResult => {
    return { status, reason, value: null, resize: null, chosen: null, candidates };
  };
  if (record.relocation.program === -1) return without("skipped", "no program holds this instruction");
  if (value === null) return without(record.status, refusal(record, candidates));
  const effect = tryPatch(record);
  if (effect.failure !== null) return without("error", effect.failure);
  const chosen = record.chosen === null ? null : record.candidates.indexOf(record.chosen);
  if (record.status === "poisoned") return without("poisoned", unmatched(subject, candidates));
  if (effect.poisoned) return { ...without("poisoned", resizeText(value)), chosen };
  return {
    status: record.status,
    reason: record.status === "resolved" ? null : unmatched(subject, candidates),
    value: value.value,
    resize: effect.resized ? { from: value.originalSize, to: value.size } : null,
    chosen,
    candidates,
  };
}

/** Why a load or store cannot be changed along with its field; a bitfield has no size of its own, which reads as 0. */
function resizeText({ originalSize, size }: ReloValue): string {
  if (size === 0) return "the field is a bitfield there, which a plain load or store cannot take";
  if (originalSize === 0) return `the field is a bitfield here, but has ${bytesText(size)} there`;
  const sizes = `the field has ${bytesText(size)} there, ${bytesText(originalSize)} here`;
  return `${sizes}; only pointers and unsigned integers can be loaded by another size`;
}

function bytesText(count: number): string {
  return `${count} byte${count === 1 ? "" : "s"}`;
}

/** Words for `ambiguous` and `error`. */
function refusal(record: ReloRecord, candidates: readonly CandidateDescription[]): string {
  const reason = record.reason ?? "";
  const failed = record.status === "error" ? candidates.find(({ outcome }) => outcome === "error") : undefined;
  return failed === undefined ? reason : `${candidateText(failed)}: ${failed.failure}`;
}

/** Why nothing matches: each candidate's failure, or that there is none. */
function unmatched(subject: Subject, candidates: readonly CandidateDescription[]): string {
  const { record, local, target, rules, missing, near } = subject;
  if (candidates.length === 0) {
    const { typeId } = record.relocation;
    let words = missing.get(typeId);
    if (words === undefined) {
      words = near === "all" ? explainMissing(local, typeId, target) : nameMissing(local, typeId);
      missing.set(typeId, words);
    }
    return words;
  }
  const passedOver =
    rules.algorithm === "cilium"
      ? "it matches, but another serves more relocations of the same type"
      : "it matches, but an earlier relocation of the same type has ruled it out";
  const words = candidates.map(({ failure }) => failure ?? passedOver);
  const [only] = words;
  if (words.length === 1 && only !== undefined) return only;
  return candidates.map((candidate, i) => `${candidateText(candidate)}: ${words[i]}`).join("; ");
}

function candidateText({ id, name, module }: CandidateDescription): string {
  return `candidate [${id}] ${name}${module === null ? "" : ` of ${module}`}`;
}

function describeCandidate(subject: Subject, candidate: CandidateOutcome): CandidateDescription {
  const { target, record } = subject;
  const index = segmentOf(target, candidate.id);
  const segment = target.segments[index] as BtfSegment;
  const matches = candidate.outcome === MATCH;
  const isField = reloClass(record.relocation.kind) === "field";
  const { bitOffset } = candidate.spec;
  return {
    id: candidate.id - segment.idShift,
    kind: kindName(kindOf(target, candidate.id)),
    name: nameOf(target, candidate.id),
    module: index === 0 ? null : segment.source,
    outcome: matches ? "match" : candidate.outcome === NO_MATCH ? "no match" : "error",
    path: pathText(target, candidate.spec),
    byteOffset: matches && isField ? Math.floor(bitOffset / 8) : null,
    bitOffset: matches && isField ? bitOffset % 8 : null,
    value: candidate.value === null || candidate.value.poison ? null : candidate.value.value,
    failure: matches ? null : explainCandidate(subject, candidate),
  };
}

function explainCandidate({ record, local, target, rules, near }: Subject, candidate: CandidateOutcome): string {
  const { kind, typeId } = record.relocation;
  if ("reason" in record.local) return record.local.reason;
  if (rules.algorithm === "cilium") return explainCilium(record, target, candidate.id);
  const hint = near === "none" ? NO_HINT : nearHint;
  switch (reloClass(kind)) {
    case "field":
      return explainField(local, record.local, target, candidate, hint);
    case "enumval":
      return explainEnumerator(local, record.local, target, candidate, hint);
    default:
      if (candidate.outcome === ERROR_INVALID)
        return `nested deeper than the ${rules.name} rules go, or without a size`;
      if (kind === RELO_TYPE_MATCHES) return explainMatch({ local, target, rules, hint }, typeId, candidate.id);
      return explainCompatible({ local, target, rules, hint }, typeId, candidate.id);
  }
}
