import type { DiffKind } from "../../lib/diff/change.ts";
import { offsetText } from "../../lib/diff/offset-text.ts";
import type { PageChange, PageMember, PageType } from "./packed.ts";

/** One line of a type's patch. */
export interface PatchLine {
  /** `~` for what is there on both sides but elsewhere. */
  readonly sign: "+" | "-" | "~";
  /** Where it is on each side: an offset in bytes (and bits), a position or a value; empty where it is not. */
  readonly old: string;
  readonly new: string;
  readonly text: string;
  /** What differs, where the lines do not show it. */
  readonly note: string;
}

/** Consecutive lines that say the same of many members. */
export interface PatchFold {
  readonly summary: string;
  readonly lines: readonly PatchLine[];
}

/** A key for links: `struct-task_struct`. */
export function typeKey({ kind, name }: { readonly kind: DiffKind; readonly name: string }): string {
  return `${kind}-${name}`;
}

/** The patch of a type, with runs of members that only moved by one distance folded, and of enumerators likewise. */
export function patchOf(type: PageType): (PatchLine | PatchFold)[] {
  if (type.status !== "changed") {
    const side = type.new ?? type.old;
    const sign = type.status === "added" ? "+" : "-";
    const head: PatchLine = { sign, old: "", new: "", text: side?.declaration ?? "", note: "" };
    // The body is there only where it was asked for.
    return [head, ...type.changes.flatMap(linesOf)];
  }
  const parts: (PatchLine | PatchFold)[] = [];
  let run: Moved[] = [];
  const flush = () => {
    if (run.length >= LEAST_FOLDED) parts.push(fold(run));
    else parts.push(...run.flatMap(({ lines }) => lines));
    run = [];
  };
  for (const change of type.changes) {
    const moved = movedOf(change);
    if (moved === null || (run[0] !== undefined && run[0].by !== moved.by)) flush();
    if (moved === null) parts.push(...linesOf(change));
    else run.push(moved);
  }
  flush();
  return parts;
}

/** So many of a run are one line until somebody opens it. */
const LEAST_FOLDED = 4;

/** A change that is one of a run where its neighbours say the same. */
interface Moved {
  /** What they say in common: `members moved by +8 bytes`. */
  readonly by: string;
  readonly lines: readonly PatchLine[];
}

function movedOf(change: PageChange): Moved | null {
  if (change.what === "enumerator" && change.status === "revalued") {
    const higher = BigInt(change.new?.value ?? 0) - BigInt(change.old?.value ?? 0);
    return { by: `enumerators changed by ${signed(higher, "")}`, lines: linesOf(change) };
  }
  if (change.what !== "member" || change.old === null || change.new === null) return null;
  if (change.how.some((how) => how !== "moved")) return null;
  const { old, new: now } = change;
  const bits = now.bitOffset - old.bitOffset;
  const by = bits % 8 === 0 ? signed(BigInt(bits / 8), " bytes") : signed(BigInt(bits), " bits");
  const line: PatchLine = {
    sign: "~",
    old: offsetText(old.bitOffset),
    new: offsetText(now.bitOffset),
    text: `${now.declaration};`,
    note: "",
  };
  return { by: `members moved by ${by}`, lines: [line] };
}

function signed(number: bigint, unit: string): string {
  return number < 0n ? `\u2212${-number}${unit}` : `+${number}${unit}`;
}

function fold(run: readonly Moved[]): PatchFold {
  return { summary: `${run.length} ${run[0]?.by}`, lines: run.flatMap(({ lines }) => lines) };
}

function linesOf(change: PageChange): PatchLine[] {
  switch (change.what) {
    case "member":
      return memberLines(change.old, change.new, change.how);
    case "enumerator": {
      const { old, new: now, status } = change;
      const note = status === "renamed" ? "renamed" : "";
      return pair(
        old === null ? null : { at: "", text: `${old.name} = ${old.value},` },
        now === null ? null : { at: "", text: `${now.name} = ${now.value},` },
        note,
      );
    }
    case "parameter": {
      const { old, new: now, status } = change;
      const side = (one: typeof old) =>
        one === null
          ? null
          : {
              at: String(one.position + 1),
              text: one.type + (one.type.endsWith("*") || one.name === "" ? "" : " ") + one.name,
            };
      return pair(side(old), side(now), status === "moved" ? "moved" : "");
    }
    case "place": {
      const side = (one: typeof change.old) =>
        one === null ? null : { at: String(one.offset), text: `in ${one.section}, ${one.size} bytes` };
      return pair(side(change.old), side(change.new), "");
    }
    case "tag": {
      const text = `btf_decl_tag("${change.tag}")${change.on === null ? "" : ` on ${change.on}`}`;
      return [{ sign: change.status === "added" ? "+" : "-", old: "", new: "", text, note: "" }];
    }
    case "order":
      return [{ sign: "~", old: "", new: "", text: "declared in another order", note: "" }];
    case "size":
      // What the type's own line says.
      return [];
    default:
      return pair(
        { at: "", text: `${WHAT[change.what]}${change.old}` },
        { at: "", text: `${WHAT[change.what]}${change.new}` },
        "",
      );
  }
}

const WHAT: Readonly<
  Record<"definition" | "signedness" | "target" | "type" | "returns" | "linkage" | "encoding", string>
> = {
  definition: "",
  signedness: "values are ",
  target: "typedef of ",
  type: "type ",
  returns: "returns ",
  linkage: "linkage ",
  encoding: "encoding ",
};

interface LineSide {
  readonly at: string;
  readonly text: string;
}

function pair(old: LineSide | null, now: LineSide | null, note: string): PatchLine[] {
  const lines: PatchLine[] = [];
  if (old !== null) lines.push({ sign: "-", old: old.at, new: "", text: old.text, note: now === null ? note : "" });
  if (now !== null) lines.push({ sign: "+", old: "", new: now.at, text: now.text, note });
  return lines;
}

function memberLines(old: PageMember | null, now: PageMember | null, how: readonly string[]): PatchLine[] {
  const side = (one: PageMember | null) =>
    one === null ? null : { at: offsetText(one.bitOffset), text: `${one.declaration};` };
  const [before, after] = [side(old), side(now)];
  if (before === null || after === null || before.text !== after.text)
    return pair(before, after, noteOf(old, now, how));
  return [{ sign: "~", old: before.at, new: after.at, text: after.text, note: noteOf(old, now, how) }];
}

/** What the lines do not say by themselves. */
function noteOf(old: PageMember | null, now: PageMember | null, how: readonly string[]): string {
  if (old === null || now === null) return "";
  const notes: string[] = [];
  if (how.includes("renamed")) notes.push("renamed");
  if (how.includes("resized")) notes.push(`${old.size} \u2192 ${now.size} bytes`);
  if (how.includes("regrouped")) notes.push(groupNote(old.group, now.group));
  return notes.join(", ");
}

function groupNote(old: string, now: string): string {
  if (old === "") return `into an anonymous ${now}`;
  return now === "" ? `out of an anonymous ${old}` : `from an anonymous ${old} into ${now}`;
}
