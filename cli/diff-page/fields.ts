import { byId, counted, element, grouped, visible } from "../../corpus/compat/page/dom.ts";
import { stateTexts } from "../diff/history-words.ts";
import type { PageHistory } from "./data.ts";
import { axisOf, laneOf } from "./lanes.ts";
import { lazyList } from "./list.ts";
import { distinct, wordsOf } from "./model.ts";
import { fold, mono, type Part, revealIn, sign } from "./part.ts";

/** The widest and the narrowest a kernel may be, in pixels, and what the names of fields take. */
const WIDEST = 110;
const NARROWEST = 15;
const NAMES = 330;

type Behaviour = "fails somewhere" | "moves" | "the same";
const BEHAVIOURS: readonly Behaviour[] = ["fails somewhere", "moves", "the same"];
const TONES: Readonly<Record<Behaviour, string>> = {
  "fails somewhere": "poisoned",
  moves: "changed",
  "the same": "resolved",
};
const FAILED: ReadonlySet<string> = new Set(["poisoned", "ambiguous", "error"]);

interface Row {
  readonly row: PageHistory["rows"][number];
  readonly runs: PageHistory["runs"][number];
  /** What its states are called, by their indexes. */
  readonly texts: ReadonlyMap<number, string>;
  readonly key: string;
  readonly behaviour: Behaviour;
  readonly haystack: string;
}

/** Fields over kernels. */
export function fieldsPart(history: PageHistory, onToggle: (key: string, open: boolean) => void): Part {
  const rows = rowsOf(history);
  const body = byId("fields");
  const space = Math.max(300, document.documentElement.clientWidth - NAMES - 90);
  const width = Math.max(NARROWEST, Math.min(WIDEST, Math.floor(space / Math.max(1, history.kernels.length))));
  byId("axis").append(axisOf(history.kernels, width));
  const unreadable = history.unreadable.map(({ origin, reason }) =>
    element("li", { class: "gone" }, visible(`${origin}: unreadable: ${reason}`)),
  );
  byId("unreadable").append(...unreadable);
  byId("unreadable").hidden = unreadable.length === 0;
  let open: ReadonlySet<string> = new Set();
  let seen: readonly Row[] = [];
  const list = lazyList<Row>(body, byId("fields-end"), (one) =>
    fold({
      key: one.key,
      label: one.row.path,
      summary: [
        element("span", { class: "field-name" }, mono(one.row.path), element("span", { class: "muted" }, usersOf(one))),
        element("span", { class: "lane-holder" }, laneOf(history, one, width)),
      ],
      isOpen: open.has(one.key),
      content: () => runTable(history, one),
      onToggle,
    }),
  );
  return {
    section: "fields",
    word: "Fields over kernels",
    filters: BEHAVIOURS.map((status) => {
      return { status, word: status, count: rows.filter(({ behaviour }) => behaviour === status).length };
    }),
    kinds: [],
    show: ({ query, statuses }, opened) => {
      open = opened;
      const words = wordsOf(query);
      seen = rows.filter(({ behaviour, haystack }) => {
        return (statuses.size === 0 || statuses.has(behaviour)) && words.every((word) => haystack.includes(word));
      });
      list.show(seen);
      return `${counted(seen.length, "field")} of ${grouped(rows.length)} on ${counted(history.kernels.length, "kernel")}`;
    },
    keyOf: (link) => rows.find(({ key }) => key === link)?.key ?? null,
    reveal: (key) => {
      const at = seen.findIndex((one) => one.key === key);
      if (at === -1) return;
      list.makeAt(at);
      revealIn(body, key);
    },
  };
}

function rowsOf({ rows, runs, states }: PageHistory): Row[] {
  const keys = distinct(rows.map(({ path }) => `field-${path}`));
  return rows.map((row, i) => {
    const fails = row.cells.some((cell) => FAILED.has(states[cell]?.status ?? ""));
    const behaviour = fails ? "fails somewhere" : row.changes > 0 ? "moves" : "the same";
    const users = row.users.flatMap(({ object, programs }) => [object, ...programs]);
    const reasons = row.cells.map((cell) => states[cell]?.reason ?? "");
    const haystack = [row.path, ...row.kinds, ...users, ...new Set(reasons)].join("\n").toLowerCase();
    return { row, runs: runs[i] ?? [], texts: stateTexts(states, row.cells), key: keys[i] ?? "", behaviour, haystack };
  });
}

function usersOf({ row }: Row): string {
  const names = row.users.map(({ object }) => object.slice(object.lastIndexOf("/") + 1));
  const [first = ""] = names;
  return visible(names.length === 1 ? first : `${first} and ${names.length - 1} more`);
}

/** The same in words. */
function runTable({ states }: PageHistory, { row, runs, texts, behaviour }: Row): HTMLElement {
  const head = element(
    "tr",
    {},
    ...["Kernels", "Count", "At", "Bits", "Reason"].map((word) => element("th", { scope: "col" }, word)),
  );
  const lines = runs.map(({ label, first, count }) => {
    const cell = row.cells[first] ?? -1;
    const state = states[cell];
    return element(
      "tr",
      {},
      element("td", {}, visible(label)),
      element("td", { class: "number" }, String(count)),
      element("td", { class: "mono" }, texts.get(cell) ?? ""),
      element("td", { class: "number" }, state?.bits === null || state === undefined ? "" : String(state.bits)),
      element("td", { class: "why" }, visible(state?.reason ?? "")),
    );
  });
  const users = row.users.map(({ object, programs }) => `${object} (${programs.join(", ")})`).join("; ");
  return element(
    "div",
    { class: "programs" },
    element(
      "p",
      { class: "muted" },
      sign(TONES[behaviour], behaviour),
      visible(` ${row.kinds.join(", ")} by ${users}`),
    ),
    element(
      "div",
      { class: "scroll" },
      element("table", { class: "relocations" }, element("thead", {}, head), element("tbody", {}, ...lines)),
    ),
  );
}
