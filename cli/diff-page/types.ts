import { byId, counted, element, grouped, visible } from "../../corpus/compat/page/dom.ts";
import { lazyList } from "./list.ts";
import {
  haystackOf,
  kindCounts,
  seenTypes,
  TYPE_STATUSES,
  type TypeRow,
  tallyOf,
  typeOfLink,
  typeRows,
} from "./model.ts";
import { type PackedType, unpackType } from "./packed.ts";
import { fold, mono, type Part, revealIn, sign } from "./part.ts";
import { type PatchFold, type PatchLine, patchOf } from "./type-lines.ts";

/** Lines of a patch before the rest is behind a button: an enum may have thousands. */
const MOST_LINES = 400;
/** A row names so many modules; when it is opened it has all. */
const MOST_MODULES = 4;

/** The list of types that differ. */
export function typesPart(types: readonly PackedType[], onToggle: (key: string, open: boolean) => void): Part {
  const rows = typeRows(types.map(unpackType));
  const body = byId("types");
  let haystack: readonly string[] | undefined;
  let open: ReadonlySet<string> = new Set();
  let seen: readonly TypeRow[] = [];
  const list = lazyList<TypeRow>(body, byId("types-end"), (row) =>
    fold({
      key: row.key,
      label: `${row.type.kind} ${row.type.name}`,
      summary: summaryOf(row),
      isOpen: open.has(row.key),
      content: () => contentOf(row),
      onToggle,
    }),
  );
  return {
    section: "types",
    word: "Types",
    filters: TYPE_STATUSES.map((status) => {
      const count = rows.filter((row) => row.status === status).length;
      return { status, word: status === "consequence" ? "only resized" : status, count };
    }),
    kinds: kindCounts(rows),
    show: (view, opened) => {
      open = opened;
      seen = seenTypes(rows, view, () => {
        haystack ??= haystackOf(rows);
        return haystack;
      });
      list.show(seen);
      return `${counted(seen.length, "type")} of ${grouped(rows.length)} that differ`;
    },
    keyOf: (link) => typeOfLink(rows, link)?.key ?? null,
    reveal: (key) => {
      const at = seen.findIndex((row) => row.key === key);
      if (at === -1) return;
      list.makeAt(at);
      revealIn(body, key);
    },
  };
}

function summaryOf({ type, status }: TypeRow): (HTMLElement | null)[] {
  const { added, removed, other } = tallyOf(type);
  const declared = (type.new ?? type.old)?.declaration ?? "";
  // An enum without a name is known by what it begins with.
  const name = type.name === "" ? declared.replace(`${type.kind} `, "") : type.name;
  const [before, after] = [type.old?.size ?? null, type.new?.size ?? null];
  const only = before ?? after;
  const both = before !== null && after !== null;
  const size = both
    ? before === after
      ? ""
      : `${grouped(before)} \u2192 ${grouped(after)} bytes`
    : only === null || type.status === "changed"
      ? ""
      : counted(only, "byte");
  const part = (tone: string, text: string, count: number) =>
    count === 0 ? null : element("span", { class: `tally ${tone}` }, `${text}${count}`);
  const modules = type.modules.filter((module) => module !== "");
  return [
    sign(status, status === "consequence" ? "resized" : status),
    element("span", { class: "name" }, element("span", { class: "muted" }, `${type.kind} `), mono(name)),
    size === "" ? null : element("span", { class: "muted number" }, size),
    element(
      "span",
      { class: "tallies" },
      part("plus", "+", added),
      part("minus", "\u2212", removed),
      part("other", "~", other),
    ),
    modules.length === 0 ? null : element("span", { class: "muted" }, visible(`in ${moduleWords(modules)}`)),
  ];
}

function moduleWords(modules: readonly string[]): string {
  const more = modules.length - MOST_MODULES;
  return more > 1 ? `${modules.slice(0, MOST_MODULES).join(", ")}, ${more} more` : modules.join(", ");
}

function contentOf({ type, status }: TypeRow): HTMLElement {
  const made = element("div", { class: "patch-holder" });
  const facts: string[] = [];
  if (status === "consequence") facts.push("Only what it is made of has another size.");
  if (type.reachedFrom !== null && type.reachedFrom > 0)
    facts.push(`Reached from ${counted(type.reachedFrom, "type")}.`);
  const { old, new: now } = type.definitions;
  if (old > 1 || now > 1) facts.push(`There are ${old} definitions of that name in the old, ${now} in the new.`);
  if (type.modules.length > MOST_MODULES + 1)
    facts.push(visible(`In ${type.modules.map((module) => module || "the kernel").join(", ")}.`));
  if (facts.length > 0) made.append(element("p", { class: "muted" }, facts.join(" ")));
  if (
    type.status === "changed" &&
    type.old !== null &&
    type.new !== null &&
    type.old.declaration !== type.new.declaration
  ) {
    made.append(
      patchTable([
        { sign: "-", old: "", new: "", text: type.old.declaration, note: "" },
        { sign: "+", old: "", new: "", text: type.new.declaration, note: "" },
      ]),
    );
  }
  const parts = patchOf(type);
  if (parts.length > 0) made.append(patchTable(parts));
  return made;
}

function patchTable(parts: readonly (PatchLine | PatchFold)[]): HTMLElement {
  const body = element("tbody", {});
  const add = (some: readonly (PatchLine | PatchFold)[]) => {
    for (const part of some) body.append(...("summary" in part ? foldRows(part) : [lineRow(part)]));
  };
  add(parts.slice(0, MOST_LINES));
  const head = element(
    "thead",
    { class: "hidden" },
    element(
      "tr",
      {},
      ...["Old", "New", "", "Declaration", "What"].map((word) => element("th", { scope: "col" }, word)),
    ),
  );
  const holder = element("div", { class: "scroll" }, element("table", { class: "patch" }, head, body));
  if (parts.length > MOST_LINES) {
    const button = element("button", { type: "button", class: "more" }, `Show all ${parts.length}`);
    button.addEventListener("click", () => {
      add(parts.slice(MOST_LINES));
      button.remove();
    });
    holder.append(button);
  }
  return holder;
}

const TONES = { "+": "plus", "-": "minus", "~": "other" } as const;
const SIGNS = { "+": "+", "-": "\u2212", "~": "~" } as const;

function lineRow(line: PatchLine): HTMLElement {
  return element(
    "tr",
    { class: TONES[line.sign] },
    element("td", { class: "at" }, line.old),
    element("td", { class: "at" }, line.new),
    element("td", { class: "sign" }, SIGNS[line.sign]),
    element("td", { class: "text" }, visible(line.text)),
    element("td", { class: "note" }, visible(line.note)),
  );
}

/** A line that stands for many, until it is opened. */
function foldRows({ summary, lines }: PatchFold): HTMLElement[] {
  const button = element("button", { type: "button", class: "unfold", "aria-expanded": "false" }, summary);
  const cell = element("td", { colspan: "2" }, button);
  const row = element(
    "tr",
    { class: "folded" },
    element("td", {}),
    element("td", {}),
    element("td", { class: "sign" }, "~"),
    cell,
  );
  button.addEventListener("click", () => row.replaceWith(...lines.map(lineRow)));
  return [row];
}
