/**
 * Compares the engine under cilium/ebpf's rules with one run of the library: every relocation by itself, and with all
 * of its type in its program; which functions belong to a program. Says every difference in words; none is wanted.
 *
 * Releases before 0.15 have older rules. What they answer is compared but for what they do not know or do differently,
 * which is counted: type_matches and field_signed; numbers of more than 32 bits and enumerators' signs; and errors of
 * theirs, since they ask for a size before they look whether types fit together, and give up where there is none.
 */
import type { CandidateIndex } from "../../lib/core/candidates.ts";
import { decideTogether } from "../../lib/core/cilium-decide.ts";
import { hasCiliumName } from "../../lib/core/cilium-names.ts";
import { INSN_BYTES } from "../../lib/core/instruction.ts";
import { linkedPrograms } from "../../lib/core/linked-programs.ts";
import type { BpfObject } from "../../lib/core/object.ts";
import {
  RELO_ENUMVAL_VALUE,
  RELO_FIELD_SIGNED,
  RELO_TYPE_ID_LOCAL,
  RELO_TYPE_MATCHES,
  reloKindName,
} from "../../lib/core/relo-kind.ts";
import { type Decision, type ReloRecord, resolveObject } from "../../lib/core/resolve.ts";
import { CILIUM_RULES } from "../../lib/core/rules.ts";
import type { CiliumAnswers, CiliumRelocation, CiliumRun } from "./cilium.ts";

/** What was compared, and what was not the same. */
export interface CiliumComparison {
  /** Relocations, each counted for every program it is in, decided together and alone. */
  relocations: number;
  /** Of those: refused by both. */
  refused: number;
  /** Not compared, since the library at hand has older rules for them. */
  older: number;
  /** Objects or targets that the library cannot read. */
  readonly unread: string[];
  readonly differences: string[];
}

/** An empty comparison, to be added to. */
export function noCiliumComparison(): CiliumComparison {
  return { relocations: 0, refused: 0, older: 0, unread: [], differences: [] };
}

/** The release from which on the rules are those of the engine. */
const NEWEST = "0.15";
const REFUSED = "error";

/** Compares one run, adding to `sum`. `index` is of the run's target. */
export function compareCiliumRun(
  object: BpfObject,
  index: CandidateIndex,
  run: CiliumRun,
  api: CiliumAnswers["api"],
  sum: CiliumComparison,
): void {
  const resolved = resolveObject(object, index, { rules: CILIUM_RULES });
  if (run.error !== undefined) {
    // What is wrong with an access string the library says when it reads the object.
    if (resolved.every(({ local }) => "reason" in local) && run.error.includes("accessor")) sum.refused++;
    else sum.unread.push(`${run.object}: ${run.error}`);
    return;
  }
  const say = (what: string) => sum.differences.push(`${run.object} on ${index.btf.source}: ${what}`);
  const records = new Map<string, ReloRecord>();
  for (const record of resolved) {
    const home = object.programs[record.relocation.program];
    if (home === undefined) continue;
    records.set(`${home.name} ${(record.relocation.insnOffset - home.offset) / INSN_BYTES}`, record);
  }
  comparePrograms(object, records, run, say);
  const groups = new Map<string, [ReloRecord, CiliumRelocation][]>();
  for (const theirs of run.relocations) {
    const record = records.get(`${theirs.function} ${theirs.insn}`);
    if (record === undefined) {
      say(`no relocation at ${theirs.function} #${theirs.insn}`);
      continue;
    }
    const key = `${theirs.program} ${record.relocation.typeId}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [[record, theirs]]);
    else group.push([record, theirs]);
  }
  for (const group of groups.values()) {
    const isOld = api !== NEWEST && group.some(([record, { together }]) => isOlder(record, together));
    const together = decide(
      group.map(([record]) => record),
      index,
    );
    group.forEach(([record, theirs], i) => {
      sum.relocations++;
      // Any access string that makes no sense is an error for all of its type, once there is a candidate.
      const isSpoilt = group.some(([{ local }]) => "reason" in local);
      const at = `${theirs.program}: ${theirs.function} #${theirs.insn} (relocation ${record.relocation.index})`;
      const alone = decide([record], index)[0];
      for (const [how, ours, text] of [
        ["together", together[i], theirs.together],
        ["alone", alone, theirs.alone],
      ] as const) {
        const isRefusedAlong = record.relocation.kind === RELO_TYPE_ID_LOCAL && known(text) === REFUSED;
        if (how === "together" && (isSpoilt || isRefusedAlong)) continue;
        if ("reason" in record.local) continue;
        if (api !== NEWEST && (isOld || isOlder(record, text))) sum.older++;
        else if (told(record, ours) !== known(text)) say(`${at} ${how}: ${told(record, ours)}, cilium/ebpf ${text}`);
        else if (known(text) === REFUSED) sum.refused++;
      }
    });
  }
}

/** Old releases' rules for this differ from ours. */
function isOlder({ relocation: { kind }, candidates }: ReloRecord, text: string): boolean {
  if (kind === RELO_TYPE_MATCHES || kind === RELO_FIELD_SIGNED) return true;
  if (text.startsWith(REFUSED)) return true;
  const isWide = candidates.some(
    ({ value }) => value !== null && (value.value >> 31n !== 0n || value.original >> 31n !== 0n),
  );
  return kind === RELO_ENUMVAL_VALUE && isWide;
}

function decide(records: readonly ReloRecord[], { btf }: CandidateIndex): (Decision | undefined)[] {
  // Ids of local types are asked of nobody, so they take no part in the score; roots without a name are refused.
  const asked = records.filter(
    ({ relocation, object, local }) =>
      relocation.kind !== RELO_TYPE_ID_LOCAL &&
      !("reason" in local) &&
      object.btf !== null &&
      hasCiliumName(object.btf, relocation.typeId),
  );
  const decided = decideTogether(asked, btf);
  return records.map((record) => (asked.includes(record) ? decided[asked.indexOf(record)] : record));
}

function told(record: ReloRecord, decision: Decision | undefined): string {
  const value = decision?.value ?? null;
  if ("reason" in record.local || value === null) return REFUSED;
  const kind = reloKindName(record.relocation.kind);
  return value.poison ? `${kind}=poison` : `${kind}=${value.original}->${value.value}`;
}

const known = (text: string): string => (text.startsWith(REFUSED) ? REFUSED : text);

/** The functions with relocations of each program that the library would load are those we put together. */
function comparePrograms(
  object: BpfObject,
  records: ReadonlyMap<string, ReloRecord>,
  run: CiliumRun,
  say: (what: string) => void,
): void {
  const linked = linkedPrograms(object);
  for (const name of new Set(run.relocations.map(({ program }) => program))) {
    const theirs = new Set(run.relocations.filter(({ program }) => program === name).map((it) => it.function));
    const ours = linked.find(([entry]) => object.programs[entry ?? -1]?.name === name);
    const names = (ours ?? []).flatMap((i) => object.programs[i]?.name ?? []);
    const withRelocations = names.filter((own) => [...records.keys()].some((key) => key.startsWith(`${own} `)));
    const a = withRelocations.sort().join(", ");
    const b = [...theirs].sort().join(", ");
    if (a !== b) say(`${name} is made of ${a}, in cilium/ebpf of ${b}`);
  }
}
