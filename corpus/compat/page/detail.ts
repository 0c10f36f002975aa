import type { CompatDocument } from "../document.ts";
import { counted, element, visible } from "./dom.ts";
import { kernelKeyOf, ROW_STATUSES, type Row, type RowStatus } from "./model.ts";
import { badge, findingBadge } from "./strip.ts";

/** Names in a list before the rest is behind a button. */
const MOST_KERNELS = 60;
const MOST_COLUMNS = 40;
const FINDING_COLUMNS = ["Program", "Instruction", "Kind", "Field, type or target", "Status", "Reason", "Source"];

/** Columns of which there is nothing more to say than a word. */
const QUIET: readonly (readonly [string, RowStatus])[] = [
  ["Resolved", "resolved"],
  ["Without relocations", "no-relocations"],
];

type Outcome = CompatDocument["outcomes"][number];

/**
 * What is behind a row: for each object that is not resolved why, down to each relocation and target, then the objects of which
 * there is nothing to say, then the kernels. Tables are made when they are opened.
 */
export function detailOf(data: CompatDocument, row: Row, names: readonly string[], column: number): HTMLElement {
  const made = element("div", { class: "detail" });
  if (row.reason !== null) {
    made.append(element("p", {}, "It could not be read: ", element("span", { class: "why" }, visible(row.reason))));
    return made;
  }
  const columns = row.outcomes
    .map((outcome, at) => ({ at, outcome: data.outcomes[outcome] }))
    .filter((one): one is { at: number; outcome: Outcome } => one.outcome !== undefined)
    .filter(({ at }) => column === -1 || at === column);
  const loud = columns
    .filter(({ outcome }) => outcome.findings.length > 0)
    .sort((a, b) => badness(b.outcome.status) - badness(a.outcome.status) || a.at - b.at);
  loud.forEach(({ at, outcome }, i) => {
    made.append(columnDetail(data, names[at] ?? "", outcome, i === 0));
  });
  for (const [title, wanted] of QUIET) {
    const quiet = columns.filter(({ outcome }) => outcome.findings.length === 0 && outcome.status === wanted);
    if (quiet.length === 0) continue;
    made.append(
      nameList(
        title,
        quiet.map(({ at }) => names[at] ?? ""),
      ),
    );
  }
  for (const [reason, list] of byReason(data, columns)) {
    made.append(
      nameList(
        `Skipped, ${reason}`,
        list.map((at) => names[at] ?? ""),
      ),
    );
  }
  made.append(kernelList(data, row));
  return made;
}

function badness(status: RowStatus): number {
  return ROW_STATUSES.indexOf(status);
}

function byReason(data: CompatDocument, columns: readonly { at: number; outcome: Outcome }[]): Map<string, number[]> {
  const reasons = new Map<string, number[]>();
  for (const { at, outcome } of columns) {
    if (outcome.skipped === null) continue;
    const reason = data.reasons[outcome.skipped] ?? "";
    reasons.set(reason, [...(reasons.get(reason) ?? []), at]);
  }
  return reasons;
}

/** One object: a line with the first of its findings, and all of them when it is opened. */
function columnDetail(data: CompatDocument, name: string, outcome: Outcome, open: boolean): HTMLElement {
  const worst = outcome.findings.find(({ status }) => status === outcome.status) ?? outcome.findings[0];
  const place = worst === undefined ? undefined : data.places[worst.place];
  const first =
    place === undefined || worst === undefined
      ? null
      : element(
          "span",
          { class: "first" },
          visible(`${place.kind} ${place.path}: ${data.reasons[worst.reason] ?? ""}`),
        );
  const lacked = outcome.findings.filter(({ status }) => status === "no-target").length;
  const counts = Object.entries({ ...outcome.counts, ...(lacked > 0 && { "no-target": lacked }) })
    .filter(([status]) => status !== "resolved")
    .map(([status, count]) => `${count} ${status}`)
    .join(", ");
  const summary = element(
    "summary",
    {},
    badge(outcome.status),
    element("span", { class: "name" }, visible(name)),
    element("span", { class: "muted" }, counts),
    first,
  );
  const made = element("details", { class: "column" }, summary);
  const fill = () => {
    if (made.open && made.childElementCount === 1) made.append(findingTable(data, outcome));
  };
  made.addEventListener("toggle", fill);
  made.open = open;
  fill();
  return made;
}

function findingTable(data: CompatDocument, { findings }: Outcome): HTMLElement {
  const head = element(
    "tr",
    {},
    ...FINDING_COLUMNS.map((word) =>
      element("th", { scope: "col", ...(word === "Instruction" && { class: "number" }) }, word),
    ),
  );
  const body = findings.map(({ place: at, status, reason }) => {
    const place = data.places[at];
    if (place === undefined) return element("tr", {});
    const program = place.program ?? `(${place.section})`;
    return element(
      "tr",
      {},
      element("td", { class: "mono" }, visible(program)),
      element("td", { class: "number" }, place.instruction === null ? "" : String(place.instruction)),
      element("td", { class: "mono" }, visible(place.kind)),
      element("td", { class: "mono path" }, visible(place.path)),
      element("td", {}, findingBadge(status)),
      element("td", { class: "why" }, visible(data.reasons[reason] ?? "")),
      element("td", { class: "mono muted" }, visible(place.source ?? "")),
    );
  });
  const table = element(
    "table",
    { class: "relocations" },
    element(
      "caption",
      { class: "hidden" },
      "Relocations that are not resolved, and what is not there to attach to or call",
    ),
    element("thead", {}, head),
    element("tbody", {}, ...body),
  );
  return element("div", { class: "scroll" }, table);
}

function nameList(title: string, names: readonly string[]): HTMLElement {
  return element(
    "p",
    { class: "names" },
    element("strong", {}, `${visible(title)} (${names.length}): `),
    ...folded(names, MOST_COLUMNS),
  );
}

function kernelList(data: CompatDocument, { first, count }: Row): HTMLElement {
  const kernels = data.kernels.slice(first, first + count);
  const list = element("ul", { class: "kernels" });
  const show = (end: number) =>
    list.replaceChildren(
      ...kernels.slice(0, end).map((kernel) => {
        const key = kernelKeyOf(kernel);
        return element("li", { title: visible(kernel.origin), "data-key": key }, visible(key));
      }),
    );
  show(MOST_KERNELS);
  const more = kernels.length > MOST_KERNELS ? button(`Show all ${kernels.length}`, () => show(kernels.length)) : null;
  return element("div", {}, element("strong", {}, counted(count, "kernel")), list, more);
}

function folded(names: readonly string[], most: number): (HTMLElement | string)[] {
  const text = (list: readonly string[]) => list.map(visible).join(", ");
  if (names.length <= most) return [text(names)];
  const holder = element("span", {}, `${text(names.slice(0, most))} `);
  return [holder, button(`and ${names.length - most} more`, () => holder.replaceChildren(text(names)))];
}

/** A button that is gone once it has done what it says. */
function button(text: string, action: () => void): HTMLElement {
  const made = element("button", { type: "button", class: "more" }, text);
  made.addEventListener("click", () => {
    action();
    made.remove();
  });
  return made;
}
