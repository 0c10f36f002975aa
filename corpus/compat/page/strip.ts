import type { CompatDocument } from "../document.ts";
import type { FindingStatus } from "../matrix.ts";
import { element, visible } from "./dom.ts";
import { ROW_STATUSES, type Row, type RowCounts, type RowStatus } from "./model.ts";

/** What statuses are called on the page. */
export const WORDS: Readonly<Record<RowStatus, string>> = {
  "no-relocations": "without relocations",
  resolved: "resolved",
  absent: "guarded",
  poisoned: "poisoned",
  "no-target": "without a target",
  ambiguous: "ambiguous",
  error: "error",
  unreadable: "unreadable",
  skipped: "skipped",
};

/** The sign of a finding's status: a check that is 0, and what it keeps from being reached, are a column's `guarded`. */
export function findingBadge(status: FindingStatus): HTMLElement {
  const tone = status === "guarded" ? "absent" : status;
  return element("span", { class: `badge ${tone}` }, status);
}

/** A status as a small labelled sign: the word says it, the colour only helps. */
export function badge(status: RowStatus): HTMLElement {
  return element("span", { class: `badge ${status}` }, WORDS[status]);
}

/** The widest a cell of the strip gets, in pixels. */
const CELL_MOST = 10;
const STRIP_WIDTH = 220;

/**
 * A row's outcomes as a strip of colours, one background and not an element a cell: a page has hundreds of rows of
 * fifty cells. Equal neighbours are one stop of it.
 */
export function strip(data: CompatDocument, row: Row, counts: RowCounts, names: readonly string[]): HTMLElement {
  const total = row.outcomes.length;
  const statusAt = (at: number): RowStatus => data.outcomes[row.outcomes[at] ?? -1]?.status ?? "skipped";
  const stops: string[] = [];
  for (let at = 0; at < total; ) {
    const status = statusAt(at);
    let next = at + 1;
    while (next < total && statusAt(next) === status) next++;
    stops.push(`var(--${status}) ${percent(at, total)} ${percent(next, total)}`);
    at = next;
  }
  const made = element("div", { class: "strip", role: "img", "aria-label": countsText(counts) });
  made.style.width = `${Math.min(STRIP_WIDTH, Math.max(12, total * CELL_MOST))}px`;
  made.style.backgroundImage = `linear-gradient(to right, ${stops.join(", ")})`;
  // Cells have borders only where there is room for them.
  if (total > 1 && STRIP_WIDTH / total >= 4) made.style.setProperty("--cells", String(total));
  else made.classList.add("dense");
  made.addEventListener("mousemove", (event) => {
    const { left, width } = made.getBoundingClientRect();
    const at = Math.max(0, Math.min(total - 1, Math.floor(((event.clientX - left) / width) * total)));
    made.title = `${visible(names[at] ?? "")}: ${WORDS[statusAt(at)]}`;
  });
  return made;
}

function percent(at: number, total: number): string {
  return `${Math.round((at / total) * 10000) / 100}%`;
}

/** `48 resolved, 1 poisoned`. */
export function countsText({ resolved, absent, poisoned, targetless, refused, skipped, without }: RowCounts): string {
  const parts: readonly (readonly [number, string])[] = [
    [resolved, "resolved"],
    [absent, "guarded"],
    [poisoned, "poisoned"],
    [targetless, "without a target"],
    [refused, "refused"],
    [without, "without relocations"],
    [skipped, "skipped"],
  ];
  return parts
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(", ");
}

/** Kernels by status as one bar, for the top of the page. */
export function kernelBar(bar: HTMLElement, kernels: ReadonlyMap<RowStatus, number>): void {
  const total = [...kernels.values()].reduce((sum, count) => sum + count, 0);
  const some = ROW_STATUSES.filter((status) => (kernels.get(status) ?? 0) > 0);
  bar.replaceChildren(
    ...some.map((status) => {
      const part = element("span", { class: status, title: `${kernels.get(status)} ${WORDS[status]}` });
      part.style.flexGrow = String((kernels.get(status) ?? 0) / total);
      return part;
    }),
  );
  bar.setAttribute(
    "aria-label",
    `Kernels: ${some.map((status) => `${kernels.get(status)} ${WORDS[status]}`).join(", ")}`,
  );
}
