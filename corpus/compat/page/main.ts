import type { CompatDocument } from "../document.ts";
import { addressText, readAddress, WHOLE_VIEW } from "./address.ts";
import { byId, counted, element, grouped, visible } from "./dom.ts";
import {
  countsOf,
  haystackOf,
  kernelKeyOf,
  ROW_STATUSES,
  type Row,
  type RowStatus,
  rowsOf,
  seenRows,
  type View,
} from "./model.ts";
import { objectNotes } from "./objects.ts";
import { kernelBar, WORDS } from "./strip.ts";
import { makeTable } from "./table.ts";

/** A pause in typing after which the search is done. */
const TYPING_MS = 120;
/** Sorted by these, the greatest is of interest. */
const FIRST_DESCENDING: ReadonlySet<string> = new Set([
  "status",
  "count",
  "absent",
  "poisoned",
  "targetless",
  "refused",
]);

start(JSON.parse(byId("data").textContent ?? "") as CompatDocument);

function start(data: CompatDocument): void {
  const rows = rowsOf(data);
  const haystack = haystackOf(data, rows);
  const names = columnNames(data);
  const what = data.columns.some(({ program }) => program !== null) ? "Program" : "Object";
  let view: View = WHOLE_VIEW;
  let open = new Set<string>();

  const table = makeTable(data, names, what, {
    onSort: (key) => {
      const descending = view.sort === key ? !view.descending : FIRST_DESCENDING.has(key);
      change({ sort: key, descending });
    },
    onToggle: (key, isOpen) => {
      if (isOpen) open.add(key);
      else open.delete(key);
      keepAddress();
    },
  });

  const query = byId<HTMLInputElement>("query");
  const distribution = byId<HTMLSelectElement>("distribution");
  const arch = byId<HTMLSelectElement>("arch");
  const column = byId<HTMLSelectElement>("column");
  byId("column-word").textContent = what;
  fillSelect(
    distribution,
    rows.flatMap((row) => [...row.distributions]),
  );
  fillSelect(
    arch,
    rows.flatMap((row) => [...row.arches]),
  );
  column.append(element("option", { value: "-1" }, "all"));
  column.append(...names.map((name, i) => element("option", { value: String(i) }, visible(name))));

  const chips = new Map(
    ROW_STATUSES.map((status) => {
      const chip = element("button", { type: "button", class: `chip ${status}`, "aria-pressed": "false" });
      chip.addEventListener("click", () => {
        const statuses = new Set(view.statuses);
        if (!statuses.delete(status)) statuses.add(status);
        change({ statuses });
      });
      return [status, chip] as const;
    }),
  );
  byId("statuses").append(...chips.values());

  let typing: ReturnType<typeof setTimeout> | undefined;
  query.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => change({ query: query.value }), TYPING_MS);
  });
  distribution.addEventListener("change", () => change({ distribution: distribution.value }));
  arch.addEventListener("change", () => change({ arch: arch.value }));
  column.addEventListener("change", () => change({ column: Number(column.value) }));
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", fromAddress);
  byId("theme").addEventListener("click", switchTheme);
  byId("subtitle").textContent = subtitle(data, what);
  byId("subtitle").after(...objectNotes(data));

  function change(part: Partial<View>): void {
    view = { ...view, ...part };
    draw();
    keepAddress();
  }

  function draw(): void {
    const seen = seenRows(data, rows, haystack, view);
    table.show(seen, view, open);
    query.value = view.query;
    distribution.value = view.distribution;
    arch.value = view.arch;
    column.value = String(view.column);
    const kernels = kernelsByStatus(data, rows, view.column);
    kernelBar(byId("bar"), kernels);
    for (const [status, chip] of chips) {
      chip.hidden = !kernels.has(status);
      chip.replaceChildren(`${WORDS[status]} `, element("span", {}, grouped(kernels.get(status) ?? 0)));
      chip.setAttribute("aria-pressed", String(view.statuses.has(status)));
    }
    const shown = seen.reduce((sum, { row }) => sum + (row.reason === null ? row.count : 0), 0);
    byId("count").textContent =
      `${counted(seen.length, "row")}, ${counted(shown, "kernel")} of ${grouped(data.kernels.length)}`;
  }

  function keepAddress(): void {
    const text = addressText({ view, open: [...open] }, names);
    history.replaceState(null, "", text === "" ? location.pathname + location.search : `#${text}`);
  }

  function fromAddress(): void {
    const address = readAddress(location.hash, names);
    view = address.view;
    const targets = address.open.flatMap((kernel) => {
      const key = rowKeyOf(data, rows, kernel);
      return key === null ? [] : [{ key, kernel }];
    });
    open = new Set(targets.map(({ key }) => key));
    draw();
    const [first] = targets;
    if (first !== undefined) table.reveal(first.key, first.kernel);
  }

  fromAddress();
}

/** The row in which a kernel is, by its key: that of a row is its first kernel's. */
function rowKeyOf(data: CompatDocument, rows: readonly Row[], key: string): string | null {
  const same = rows.find((row) => row.key === key);
  if (same !== undefined) return same.key;
  const at = data.kernels.findIndex((kernel) => kernelKeyOf(kernel) === key);
  return rows.find(({ first, count }) => first !== -1 && at >= first && at < first + count)?.key ?? null;
}

function columnNames({ columns, objects }: CompatDocument): string[] {
  const short = objects.map(({ name }) => name.slice(name.lastIndexOf("/") + 1));
  // Two files of one name keep their directories.
  const names = objects.map(({ name }, i) =>
    short.indexOf(short[i] ?? "") === short.lastIndexOf(short[i] ?? "") ? short[i] : name,
  );
  return columns.map(({ object, program }) => `${names[object] ?? ""}${program === null ? "" : `: ${program}`}`);
}

function kernelsByStatus(data: CompatDocument, rows: readonly Row[], column: number): Map<RowStatus, number> {
  const kernels = new Map<RowStatus, number>();
  for (const row of rows) {
    const { worst } = countsOf(data, row, column);
    kernels.set(worst, (kernels.get(worst) ?? 0) + row.count);
  }
  return kernels;
}

function fillSelect(select: HTMLSelectElement, values: readonly string[]): void {
  const distinct = [...new Set(values)].filter((value) => value !== "").sort();
  select.append(element("option", { value: "" }, "all"));
  select.append(...distinct.map((value) => element("option", { value }, visible(value))));
}

function subtitle({ totals, rules }: CompatDocument, what: string): string {
  const { kernels, objects, columns, groups } = totals;
  const programs = what === "Program" ? `, ${counted(columns, "program")}` : "";
  return `${counted(objects, "object")}${programs} on ${counted(kernels, "kernel")} in ${counted(groups, "group")}, by the rules of ${rules}`;
}

function switchTheme(): void {
  const { dataset } = document.documentElement;
  const isDark =
    dataset.theme === undefined ? matchMedia("(prefers-color-scheme: dark)").matches : dataset.theme === "dark";
  dataset.theme = isDark ? "light" : "dark";
}
