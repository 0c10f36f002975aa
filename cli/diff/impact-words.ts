import type {
  FieldImpact,
  ObjectImpact,
  ProgramImpact,
  RelocationChange,
  RelocationImpact,
} from "../../lib/diff/impact.ts";
import type { AttachImpact } from "../../lib/diff/impact-targets.ts";
import { offsetText } from "../../lib/diff/offset-text.ts";
import { worksWith } from "../../lib/diff/works-with.ts";
import { counted } from "../table.ts";

/** What changes are called. */
export const CHANGE_WORDS: Readonly<Record<RelocationChange, string>> = {
  same: "same",
  moved: "moved",
  "newly-resolved": "newly resolved",
  "newly-absent": "newly absent",
  "newly-guarded": "newly guarded",
  "newly-poisoned": "newly poisoned",
  "newly-ambiguous": "newly ambiguous",
  "newly-error": "newly in error",
};

const ATTACH_WORDS: Readonly<Record<AttachImpact["change"], string>> = {
  same: "same",
  new: "new",
  retyped: "retyped",
  model: "called another way",
  incompatible: "incompatible",
  gone: "gone",
};

/** What a step makes of a program or an object, in words. */
export type Verdict = "works" | "works in part" | "breaks" | "works now" | "did not work, and does not";

function verdictOf({ worked, works }: Pick<ProgramImpact, "worked" | "works">): Verdict {
  if (worked) return works ? "works" : "breaks";
  return works ? "works now" : "did not work, and does not";
}

/** An object breaks where one of its programs does, whatever the others did: tools do not need all of them. */
export function objectVerdict(object: Pick<ObjectImpact, "worked" | "works" | "broken" | "mended"> & Parts): Verdict {
  if (object.broken > 0) return "breaks";
  if (object.mended > 0) return "works now";
  return !object.works && object.programs.some(({ works }) => works) ? "works in part" : verdictOf(object);
}

interface Parts {
  readonly programs: readonly Pick<ProgramImpact, "works">[];
}

/** The verdict of a program, which may break without a reason of its own: the object, or a subprogram that is listed, has it. */
export function programVerdict(program: Judged, object: Pick<ObjectImpact, "targets">): string {
  const { worked, works, fields, targets } = program;
  const isOwn = fields.some(({ change }) => BREAKING.has(change)) || isLacking(targets);
  if (!worked || works || isOwn) return verdictOf(program);
  return `${verdictOf(program)}, by what ${isLacking(object.targets) ? "the object needs" : "it calls"}`;
}

function isLacking(targets: readonly AttachImpact[]): boolean {
  return targets.some((target) => !worksWith(target, "new"));
}

interface Judged extends Pick<ProgramImpact, "worked" | "works" | "targets"> {
  readonly fields: readonly Pick<FieldImpact, "change">[];
}

const BREAKING: ReadonlySet<RelocationChange> = new Set(["newly-poisoned", "newly-ambiguous", "newly-error"]);

/** What becomes of a field: `at 1248 -> 1256`, `sock has no member foo`. */
export function fieldWords({ change, relocations }: FieldImpact): string {
  const worst = relocations.filter((relocation) => relocation.change === change);
  if (change === "moved") return [...new Set(worst.flatMap(moveWords))].join(", ");
  const [first] = worst;
  if (first === undefined) return "";
  if (change === "newly-resolved")
    return first.new.place === null ? valueText(first.new.value) : `at ${offsetText(first.new.place.bitOffset)}`;
  return first.new.reason ?? "";
}

function moveWords(relocation: RelocationImpact): string[] {
  const { old, new: now } = relocation;
  const words: string[] = [];
  if (old.place !== null && now.place !== null) {
    const [from, to] = [offsetText(old.place.bitOffset), offsetText(now.place.bitOffset)];
    if (from !== to) words.push(`at ${from} -> ${to}`);
    if (old.place.bits !== now.place.bits) words.push(`${bitsText(old.place.bits)} -> ${bitsText(now.place.bits)}`);
  }
  // Where the field is where it was, it is the number itself that differs: whether it is signed, an enumerator, a size.
  if (words.length === 0) words.push(`${relocation.kind} ${valueText(old.value)} -> ${valueText(now.value)}`);
  return words;
}

/** `4 bytes`, `3 bits`. */
export function bitsText(bits: number): string {
  return bits % 8 === 0 ? counted(bits / 8, "byte") : counted(bits, "bit");
}

const MAX_SIGNED = (1n << 63n) - 1n;

/** A u64 whose top bit is set is a negative enumerator more often than a great number. */
export function valueText(value: bigint | null): string {
  if (value === null) return "-";
  return String(value > MAX_SIGNED ? BigInt.asIntN(64, value) : value);
}

/** `fentry vfs_create: retyped: argument 1 is struct mnt_idmap *, was struct user_namespace *`. */
export function targetWords({
  kind,
  name,
  symbol,
  change,
  optional,
  reason,
  differences,
  retyped,
}: AttachImpact): string {
  const details = [
    ...(change === "incompatible" && reason !== null ? [reason] : []),
    ...differences.map(({ what, argument, old, new: now }) => `${whatText(what, argument)} ${old} -> ${now}`),
    ...retyped.map(({ argument, old, new: now }) => `${whatText("argument", argument)} ${old} -> ${now}`),
  ];
  const can = optional ? ", which the object can do without" : "";
  const how = details.length === 0 ? "" : `: ${details.join(", ")}`;
  return `${kind} ${symbol ?? name} ${ATTACH_WORDS[change]}${can}${how}`;
}

function whatText(what: AttachImpact["differences"][number]["what"], argument: number | null): string {
  if (what === "arguments") return "number of arguments";
  if (what === "return" || (what === "argument" && argument === null)) return "returns";
  return what === "argument" && argument !== null ? `argument ${argument + 1}` : what;
}

const MOST_SOURCES = 2;

/** `exec.bpf.c:42, exec.bpf.c:50 and 3 more`; instructions where the object has no lines. */
export function sourceWords({ change, relocations }: FieldImpact): string {
  const worst = relocations.filter((relocation) => relocation.change === change);
  const all = [...new Set(worst.map(({ source, instruction }) => source ?? `insn ${instruction}`))];
  const more = all.length - MOST_SOURCES;
  return all.slice(0, MOST_SOURCES).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** Objects without their directories, but for as many as it takes to tell those of one name apart. */
export function shortNames(objects: readonly { readonly name: string }[]): string[] {
  const holders = new Map<string, Set<string>>();
  for (const { name } of objects) {
    for (const ending of endingsOf(name)) holders.set(ending, (holders.get(ending) ?? new Set()).add(name));
  }
  return objects.map(({ name }) => endingsOf(name).find((ending) => holders.get(ending)?.size === 1) ?? name);
}

/** `x.o`, `dir/x.o`, ... */
function endingsOf(path: string): string[] {
  const parts = path.split("/");
  return parts.map((_, i) => parts.slice(-1 - i).join("/"));
}

/** A kernel without the directories or the archive it is in. */
export function kernelName(source: string): string {
  return source.slice(Math.max(source.lastIndexOf("/"), source.lastIndexOf(":"), source.lastIndexOf("!")) + 1);
}
