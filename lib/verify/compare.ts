import type { Btf } from "../btf/view.ts";
import { RELO_TYPE_ID_TARGET } from "../core/relo-kind.ts";
import type { ReloRecord } from "../core/resolve.ts";
import type { MatchRules } from "../core/rules.ts";
import { sameDecision, sameOutcomes } from "./alike.ts";
import { decisionKey, NO_MATCH_KEY, outcomeKey, rootKey } from "./outcomes.ts";

/** A relocation whose outcome is not the same against two targets. */
export interface Difference {
  readonly record: ReloRecord;
  /** What it comes to against the full BTF: the outcomes of its candidates, or the loader's decision. */
  readonly full: string;
  /** The same against the small one. */
  readonly small: string;
  /**
   * `candidates`: the set of its candidates' outcomes differs. `decision`: what a loader makes of them does.
   * `pairing`: each relocation's outcomes are there, but not at the same candidates together.
   */
  readonly what: "candidates" | "decision" | "pairing";
}

/** Records of the same relocations, in the same order, against one target. */
export interface Side {
  readonly target: Btf;
  readonly records: readonly ReloRecord[];
}

/**
 * Lists of candidates of the full side, and those of the small one with which they have been compared and found alike:
 * records have a list in common where they ask the same, also those of several rule sets.
 */
export type AlikeCandidates = Map<ReloRecord["candidates"], ReloRecord["candidates"]>;

/**
 * Compares the outcomes of the same relocations against two targets, pair by pair of relocation and candidate.
 *
 * Candidates have no name but their outcomes (their ids differ, and the small BTF may lack those that match nothing),
 * so the outcomes of all relocations of one root type make up a candidate's profile, and the sets of profiles must be
 * equal. That holds exactly when some pairing of candidates keeps every outcome, in whatever order and for whatever
 * subset of programs a loader resolves them. Where a type's id is asked for, one candidate and two of a profile are not
 * the same: two ids make a loader refuse the relocation.
 *
 * cilium/ebpf decides over all relocations of one type in one program together, and meets candidates one after the
 * other, so that of two that disagree the one in front may hide that. There the profiles must come in the same order,
 * each counted where it is first met; then every group of relocations is decided alike. `alike` is for the next rule set.
 */
export function compareSides(
  full: Side,
  small: Side,
  rules: MatchRules,
  alike: AlikeCandidates = new Map(),
): Difference[] {
  const differences: Difference[] = [];
  const keyOf = rootKeys(rules);
  // Candidates come in the order of their ids on both sides, so equal lists make equal profiles.
  const suspects = new Set<string>();
  full.records.forEach((record, i) => {
    const other = small.records[i];
    if (other === undefined || other.relocation !== record.relocation) {
      throw new RangeError("compareSides: the two sides are not about the same relocations");
    }
    if (!sameDecision(record, other)) {
      differences.push({ record, full: told(record), small: told(other), what: "decision" });
    }
    if (!areAlike(full, record, small, other, alike)) suspects.add(keyOf(record));
  });
  if (suspects.size === 0) return differences;
  const groups = new Map<string, number[]>();
  full.records.forEach((record, i) => {
    if (record.candidates.length === 0 && small.records[i]?.candidates.length === 0) return;
    const key = keyOf(record);
    const group = groups.get(key);
    if (group !== undefined) group.push(i);
    else if (suspects.has(key)) groups.set(key, [i]);
  });
  const same = rules.algorithm === "cilium" ? sameSequence : sameSet;
  for (const group of groups.values()) compareGroup(full, small, group, same, differences);
  return differences;
}

/** rootKey, made once for each root type of an object. */
function rootKeys(rules: MatchRules): (record: ReloRecord) => string {
  const byObject = new Map<ReloRecord["object"], Map<number, string>>();
  return (record) => {
    const { object, relocation } = record;
    let keys = byObject.get(object);
    if (keys === undefined) {
      keys = new Map();
      byObject.set(object, keys);
    }
    let key = keys.get(relocation.typeId);
    if (key === undefined) {
      key = rootKey(record, rules);
      keys.set(relocation.typeId, key);
    }
    return key;
  };
}

function told(record: ReloRecord): string {
  return record.reason === null ? decisionKey(record) : `${decisionKey(record)} (${record.reason})`;
}

function areAlike(full: Side, record: ReloRecord, small: Side, other: ReloRecord, alike: AlikeCandidates): boolean {
  if (alike.get(record.candidates) === other.candidates) return true;
  if (!sameOutcomes(record, full.target, other, small.target)) return false;
  alike.set(record.candidates, other.candidates);
  return true;
}

function compareGroup(
  full: Side,
  small: Side,
  group: readonly number[],
  same: typeof sameSet,
  differences: Difference[],
): void {
  const fullOutcomes = group.map((i) => outcomes(full, i));
  const smallOutcomes = group.map((i) => outcomes(small, i));
  const asksForId = group.map((i) => (full.records[i] as ReloRecord).relocation.kind === RELO_TYPE_ID_TARGET);
  if (same(profiles(fullOutcomes, asksForId), profiles(smallOutcomes, asksForId))) return;
  const before = differences.length;
  group.forEach((i, position) => {
    const [inFull, inSmall] = [fullOutcomes[position], smallOutcomes[position]].map(
      (byId) => new Set([...(byId as Map<number, string>).values()].filter((key) => key !== NO_MATCH_KEY)),
    ) as [Set<string>, Set<string>];
    if (sameSet(inFull, inSmall)) return;
    const record = full.records[i] as ReloRecord;
    differences.push({ record, full: listed(inFull), small: listed(inSmall), what: "candidates" });
  });
  if (differences.length > before) return;
  const record = full.records[group[0] as number] as ReloRecord;
  const [inFull, inSmall] = [profiles(fullOutcomes, asksForId), profiles(smallOutcomes, asksForId)];
  const told = (own: ReadonlySet<string>, other: ReadonlySet<string>) => tellProfile(full.records, group, own, other);
  differences.push({ record, full: told(inFull, inSmall), small: told(inSmall, inFull), what: "pairing" });
}

/** The first candidate that the other side has none like, with its answers to all relocations of the root. */
function tellProfile(
  records: readonly ReloRecord[],
  group: readonly number[],
  own: ReadonlySet<string>,
  other: ReadonlySet<string>,
): string {
  const odd = [...own].find((profile) => !other.has(profile));
  if (odd === undefined) return "no such candidate";
  const answers = odd.split("\n");
  const texts = group.map((i, at) => `${(records[i] as ReloRecord).relocation.accessString}: ${answers[at]}`);
  return `${answers.length > group.length ? "two candidates" : "a candidate"} with ${texts.join("; ")}`;
}

/** Outcome by candidate id of one relocation. */
function outcomes(side: Side, i: number): Map<number, string> {
  const record = side.records[i] as ReloRecord;
  return new Map(record.candidates.map((candidate) => [candidate.id, outcomeKey(record, candidate, side.target)]));
}

/**
 * The distinct profiles of candidates, in the order of their ids; one that matches nothing is like one that is not
 * there. A profile that matches where an id is asked for is there a second time when two candidates have it.
 */
function profiles(group: readonly Map<number, string>[], asksForId: readonly boolean[]): Set<string> {
  const ids = new Set<number>();
  for (const byId of group) for (const id of byId.keys()) ids.add(id);
  const found = new Set<string>();
  for (const id of [...ids].sort((a, b) => a - b)) {
    const keys = group.map((byId) => byId.get(id) ?? NO_MATCH_KEY);
    if (keys.every((key) => key === NO_MATCH_KEY)) continue;
    const profile = keys.join("\n");
    const isSecond = found.has(profile) && keys.some((key, i) => asksForId[i] === true && key !== NO_MATCH_KEY);
    found.add(isSecond ? `${profile}\nagain` : profile);
  }
  return found;
}

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a.size !== b.size) return false;
  for (const key of a) if (!b.has(key)) return false;
  return true;
}

function sameSequence(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  const others = [...b];
  return a.size === b.size && [...a].every((key, i) => key === others[i]);
}

function listed(keys: ReadonlySet<string>): string {
  return keys.size === 0 ? NO_MATCH_KEY : [...keys].sort().join(" | ");
}
