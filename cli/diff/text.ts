import type {
  Change,
  EnumeratorSide,
  MemberChange,
  MemberSide,
  PlaceSide,
  TypeChange,
  TypeSide,
} from "../../lib/diff/change.ts";
import { counted, printable } from "../table.ts";

/** How a diff is written as text. */
export interface DiffTextOptions {
  /** Every member that moved, each on lines of its own. */
  readonly full: boolean;
}

/** Members that moved by the same distance, or enumerators with values so much higher, are one line where so many follow each other. */
const SHORTEST_RUN = 3;
const BITS = 8;
/** A type of more modules names so many; `struct Scsi_Host` is in 155. */
const MOST_MODULES = 4;

/**
 * A type's differences as lines of a patch, each beginning with `+`, `-` or a space, without line ends. Offsets are in
 * bytes, `12:3` for bit 3 of byte 12.
 */
export function typeLines(type: TypeChange, options: DiffTextOptions): string[] {
  const { modules } = type;
  const isLong = !options.full && modules.length > MOST_MODULES + 1;
  const named = isLong ? [...modules.slice(0, MOST_MODULES), `${modules.length - MOST_MODULES} more`] : modules;
  return rawLines({ ...type, modules: named }, options).map((line) => {
    const sign = line.startsWith("\t", 1) ? 2 : 1;
    return line.slice(0, sign) + printable(line.slice(sign));
  });
}

function rawLines(type: TypeChange, options: DiffTextOptions): string[] {
  const { kind, old, new: next } = type;
  if (old === null || next === null) return wholeType(type, options);
  if (type.changes.some(({ what }) => what === "definition")) {
    return [
      `-${headText(type, old)};${note(type, [sideNote(type, old)])}`,
      `+${headText(type, next)};${note(type, [sideNote(type, next)])}`,
    ];
  }
  const body = bodyLines(type, options);
  const isLine = kind === "func" || kind === "var" || kind === "int" || kind === "float";
  if (isLine || type.changes.some(({ what }) => what === "target")) return [...bothSides(type, old, next), ...body];
  if (kind === "datasec" || body.length === 0)
    return [` ${headText(type, next)};${note(type, headNotes(type))}`, ...body];
  return [` ${headText(type, next)} {${note(type, headNotes(type))}`, ...body, " };"];
}

/** An added or removed type: a line, or with its body where that is wanted and known. */
function wholeType(type: TypeChange, options: DiffTextOptions): string[] {
  const sign = type.old === null ? "+" : "-";
  const side = (type.old ?? type.new) as TypeSide;
  const head = `${sign}${headText(type, side)}`;
  const notes = note(type, [sideNote(type, side)]);
  const body = options.full ? bodyLines(type, options) : [];
  return body.length === 0 ? [`${head};${notes}`] : [`${head} {${notes}`, ...body, `${sign}};`];
}

function headText({ kind }: TypeChange, { declaration }: TypeSide): string {
  return kind === "datasec" ? `section ${declaration}` : declaration;
}

/** Functions, variables, numbers, typedefs of something else: a line for each side. */
function bothSides(type: TypeChange, old: TypeSide, next: TypeSide): string[] {
  const notesOf = (side: "old" | "new") => type.changes.flatMap((change) => sideNotes(change, side));
  const [a, b] = [
    `${headText(type, old)};${note(type, notesOf("old"))}`,
    `${headText(type, next)};${note(type, notesOf("new"))}`,
  ];
  return a === b ? [` ${a}`] : [`-${a}`, `+${b}`];
}

function sideNotes(change: Change, side: "old" | "new"): string[] {
  switch (change.what) {
    case "size":
      return [counted(change[side], "byte")];
    case "encoding":
      return [change[side]];
    case "place":
      return [placeText(change[side])];
    case "linkage":
      return [change[side]];
    case "type":
    case "target":
      return bodyNote("", change[side]);
    case "returns":
      return bodyNote("returns ", change[side]);
    case "parameter": {
      const { name, position, type } = change[side] ?? { name: "", position: 0, type: "" };
      return change.status === "retyped" ? bodyNote(`${name || `#${position}`}: `, type) : [];
    }
    default:
      return [];
  }
}

/** Declarations elide anonymous bodies; where those are what differs, a type's text has them. */
function bodyNote(label: string, type: string): string[] {
  return type.includes("{ ") ? [label + type] : [];
}

function placeText(place: PlaceSide | null): string {
  return place === null ? "in no section" : `${place.section} ${place.offset}, ${counted(place.size, "byte")}`;
}

function headNotes({ changes, isConsequence }: TypeChange): string[] {
  const notes = changes.flatMap((change): string[] => {
    if (change.what === "size") return [`size ${change.old} -> ${change.new}`];
    if (change.what === "signedness") return [`${change.old} -> ${change.new}`];
    return change.what === "order" ? ["the same, in another order or nesting"] : [];
  });
  return isConsequence ? [...notes, "only because of what is in it"] : notes;
}

function sideNote({ kind, changes }: TypeChange, side: TypeSide): string {
  if (changes.some(({ what }) => what === "definition") && side.size === null) return "only declared";
  const parts: string[] = [];
  if (kind !== "typedef" && side.size !== null) parts.push(counted(side.size, "byte"));
  if (kind === "struct" || kind === "union")
    parts.push(side.size === null ? "only declared" : counted(side.count, "member"));
  if (kind === "enum") parts.push(counted(side.count, "enumerator"));
  if (kind === "module") parts.push(counted(side.count, "type"));
  return parts.join(", ");
}

/** A comment with what is known of the type besides. */
function note({ kind, modules, definitions, reachedFrom }: TypeChange, own: readonly string[]): string {
  const parts = own.filter((part) => part !== "");
  if (kind !== "module" && (modules.length > 1 || modules[0] !== "")) {
    parts.push(`in ${modules.map((module) => module || "the kernel").join(", ")}`);
  }
  if (definitions.old > 1 || definitions.new > 1) {
    parts.push(
      `one of ${definitions.old === definitions.new ? definitions.new : `${definitions.old} -> ${definitions.new}`}`,
    );
  }
  if (reachedFrom !== null && reachedFrom > 0) parts.push(`reached from ${counted(reachedFrom, "type")}`);
  return parts.length === 0 ? "" : `  /* ${parts.join("; ")} */`;
}

function bodyLines({ changes }: TypeChange, { full }: DiffTextOptions): string[] {
  const lines: string[] = [];
  for (let i = 0; i < changes.length; i++) {
    const length = full ? 0 : runLength(changes, i);
    if (length < SHORTEST_RUN) {
      for (const line of changeLines(changes[i] as Change)) lines.push(line);
    } else {
      lines.push(runLine(changes.slice(i, i + length)));
      i += length - 1;
    }
  }
  return lines;
}

function runLength(changes: readonly Change[], from: number): number {
  const distance = distanceOf(changes[from]);
  if (distance === 0n) return 0;
  let end = from + 1;
  while (distanceOf(changes[end]) === distance) end++;
  return end - from;
}

/**
 * Bits by which a member moved, or by how much an enumerator's value is higher, where nothing else is different; 0 for any other
 * difference. A type has changes of one of the two only.
 */
function distanceOf(change: Change | undefined): bigint {
  if (change?.what === "enumerator") {
    return change.status === "revalued" ? (change.new?.value ?? 0n) - (change.old?.value ?? 0n) : 0n;
  }
  if (change?.what !== "member" || change.how.length !== 1 || change.how[0] !== "moved") return 0n;
  return BigInt(change.new?.bitOffset ?? 0) - BigInt(change.old?.bitOffset ?? 0);
}

function runLine(run: readonly Change[]): string {
  const distance = distanceOf(run[0]);
  const [sign, size] = distance > 0n ? ["+", distance] : ["-", -distance];
  const [what, by] =
    run[0]?.what === "member" ? ["members", distanceText(Number(size))] : ["enumerators", String(size)];
  return ` \t/* ${run.length} ${what} ${sign}${by}: ${moveText(run[0])} ... ${moveText(run.at(-1))} */`;
}

function distanceText(bits: number): string {
  return bits % BITS === 0 ? counted(bits / BITS, "byte") : counted(bits, "bit");
}

function moveText(change: Change | undefined): string {
  if (change?.what === "enumerator") return `${change.new?.name} ${change.old?.value} -> ${change.new?.value}`;
  if (change?.what !== "member") return "";
  return `${change.new?.path} ${offsetText(change.old as MemberSide)} -> ${offsetText(change.new as MemberSide)}`;
}

function changeLines(change: Change): string[] {
  switch (change.what) {
    case "member":
      return [
        ...(change.old === null ? [] : [`-\t${memberText(change.old, change)}`]),
        ...(change.new === null ? [] : [`+\t${memberText(change.new, change)}`]),
      ];
    case "enumerator":
      return [
        ...(change.old === null ? [] : [`-\t${enumeratorText(change.old)}`]),
        ...(change.new === null ? [] : [`+\t${enumeratorText(change.new)}`]),
      ];
    case "tag": {
      const on = change.on === null ? "" : ` on ${change.on}`;
      return [`${change.status === "added" ? "+" : "-"}\t/* tag ${JSON.stringify(change.tag)}${on} */`];
    }
    case "size":
    case "signedness":
    case "order":
      return [];
    default:
      return [];
  }
}

function memberText(side: MemberSide, { how }: MemberChange): string {
  const notes = [offsetText(side)];
  if (how.includes("resized")) notes.push(side.size === null ? "of no size" : counted(side.size, "byte"));
  if (how.includes("regrouped")) notes.push(side.group === "" ? "in no group" : `in ${side.group}`);
  const body = how.includes("retyped") ? bodyNote("  /* ", side.type).map((text) => `${text} */`) : [];
  return `${side.declaration};  /* ${notes.join(", ")} */${body.join("")}`;
}

function enumeratorText({ name, value }: EnumeratorSide): string {
  return `${name} = ${value},`;
}

function offsetText({ bitOffset, bitfieldSize }: Pick<MemberSide, "bitOffset" | "bitfieldSize">): string {
  const bytes = Math.floor(bitOffset / BITS);
  return bitfieldSize === 0 && bitOffset % BITS === 0 ? String(bytes) : `${bytes}:${bitOffset % BITS}`;
}
