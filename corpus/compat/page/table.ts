import type { CompatDocument } from "../document.ts";
import { detailOf } from "./detail.ts";
import { byId, element, visible } from "./dom.ts";
import type { SeenRow, SortKey, View } from "./model.ts";
import { badge, countsText, strip } from "./strip.ts";

/** Rows that are made at a time; more follow as the reader comes near the end. */
const CHUNK = 80;
/** How far below the window the end of the table may be before more rows are made, in pixels. */
const AHEAD = 800;

interface Heading {
  readonly key: SortKey | null;
  readonly text: string;
  readonly numeric?: boolean;
  readonly title?: string;
}

const HEADINGS: readonly Heading[] = [
  { key: "kernels", text: "Kernels" },
  { key: "status", text: "Status", title: "The worst of its objects" },
  { key: "count", text: "Count", numeric: true, title: "Kernels in the group" },
  { key: null, text: "Objects" },
  { key: "resolved", text: "Resolved", numeric: true },
  { key: "absent", text: "Guarded", numeric: true, title: "Absent, behind an existence check that is 0" },
  { key: "poisoned", text: "Poisoned", numeric: true, title: "An instruction that must never be reached" },
  {
    key: "targetless",
    text: "No target",
    numeric: true,
    title: "Something that it attaches to or calls is not there",
  },
  { key: "refused", text: "Refused", numeric: true, title: "Ambiguous or in error: a loader refuses the object" },
];

/** What the table tells the page. */
export interface TableEvents {
  readonly onSort: (key: SortKey) => void;
  readonly onToggle: (key: string, open: boolean) => void;
}

/** The table of the page: makes rows as they come into sight, and their details as they are opened. */
export interface Table {
  /** Shows other rows. `open` are keys of rows that are open. */
  show(rows: readonly SeenRow[], view: View, open: ReadonlySet<string>): void;
  /** Brings the row with a key into sight, and marks the kernel in it; false where it is not among the rows. */
  reveal(key: string, kernel: string): boolean;
}

/** Sets the table up. `names` are the columns' names, `what` what a column is. */
export function makeTable(data: CompatDocument, names: readonly string[], what: string, events: TableEvents): Table {
  const body = byId("rows");
  const head = byId("head");
  const end = byId("more");
  let rows: readonly SeenRow[] = [];
  let column = -1;
  let opened: ReadonlySet<string> = new Set();
  let made = 0;

  const sorters = HEADINGS.map(({ key, text, numeric, title }) => {
    const cell = element("th", { scope: "col", ...(numeric && { class: "number" }) });
    const word = key === null ? `${what}s` : text;
    if (key === null) cell.append(word);
    else {
      const button = element("button", { type: "button", ...(title !== undefined && { title }) }, word);
      button.addEventListener("click", () => events.onSort(key));
      cell.append(button);
    }
    head.append(cell);
    return { key, cell };
  });

  const makeUntil = (target: number) => {
    const fresh = document.createDocumentFragment();
    for (const until = Math.min(target, rows.length); made < until; made++) fresh.append(...rowElements(made));
    body.append(fresh);
    end.hidden = made === rows.length;
  };

  /** The observer speaks of changes alone: where the end stays in sight, however high the window, more is made at once. */
  const makeAhead = () => {
    do makeUntil(made + CHUNK);
    while (made < rows.length && end.getBoundingClientRect().top < innerHeight + AHEAD);
  };

  const rowElements = (at: number): HTMLElement[] => {
    const { row, counts } = rows[at] as SeenRow;
    const id = `row-${row.index}`;
    const toggle = element(
      "button",
      { type: "button", class: "toggle", "aria-expanded": "false", "aria-controls": id },
      element("span", { class: "arrow", "aria-hidden": "true" }),
      element("span", { class: "label" }, visible(row.label)),
    );
    const numbers = [row.count, counts.resolved, counts.absent, counts.poisoned, counts.targetless, counts.refused];
    const [count, ...others] = numbers.map((n) =>
      element("td", { class: n === 0 ? "number zero" : "number" }, String(n)),
    );
    const line = element(
      "tr",
      { class: "group", "data-key": row.key },
      element("th", { scope: "row" }, toggle),
      element("td", {}, badge(counts.worst)),
      count as HTMLElement,
      element("td", {}, row.outcomes.length === 0 ? null : strip(data, row, counts, names)),
      ...others,
    );
    line.title = countsText(counts);
    const below = element("tr", { class: "below", id, hidden: "" });
    const set = (open: boolean) => {
      toggle.setAttribute("aria-expanded", String(open));
      below.hidden = !open;
      if (open && below.childElementCount === 0) {
        below.append(element("td", { colspan: String(HEADINGS.length) }, detailOf(data, row, names, column)));
      }
    };
    toggle.addEventListener("click", () => {
      const open = below.hasAttribute("hidden");
      set(open);
      events.onToggle(row.key, open);
    });
    if (opened.has(row.key)) set(true);
    return [line, below];
  };

  new IntersectionObserver(
    (entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) makeAhead();
    },
    { rootMargin: `${AHEAD}px` },
  ).observe(end);

  return {
    show: (next, view, open) => {
      rows = next;
      column = view.column;
      opened = open;
      made = 0;
      body.replaceChildren();
      for (const { key, cell } of sorters) {
        if (key === view.sort) cell.setAttribute("aria-sort", view.descending ? "descending" : "ascending");
        else cell.removeAttribute("aria-sort");
      }
      makeAhead();
    },
    reveal: (key, kernel) => {
      const at = rows.findIndex(({ row }) => row.key === key);
      if (at === -1) return false;
      makeUntil(at + 1);
      const line = [...body.children].find((child) => child.getAttribute("data-key") === key);
      const marked = line?.nextElementSibling?.querySelectorAll("[data-key]") ?? [];
      for (const item of marked) if (item.getAttribute("data-key") === kernel) item.classList.add("marked");
      line?.scrollIntoView({ block: "center" });
      line?.querySelector("button")?.focus({ preventScroll: true });
      return true;
    },
  };
}
