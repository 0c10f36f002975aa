import { visible } from "../../corpus/compat/page/dom.ts";
import { valueText } from "../diff/impact-words.ts";
import type { PageHistory, PageKernel, PageRun } from "./data.ts";

/** Pixels. */
const LANE_HEIGHT = 46;
const TOP = 18;
const BOTTOM = 38;
const CHARACTER = 6.4;
const DOT = 2.4;
/** Kernels of one run that have a dot each. */
const MOST_DOTS = 30;
const AXIS_CHARACTER = 6.2;
const GROUP_HEIGHT = 18;
const GROUP_CHARACTER = 7.2;
/** Characters of a group's name that are worth showing. */
const LEAST_GROUP = 9;
const NAMESPACE = "http://www.w3.org/2000/svg";

type State = PageHistory["states"][number];

/** What a state is at, as a number to draw; null where there is none. */
function levelOf({ status, bitOffset, value }: State): number | null {
  if (status !== "resolved") return null;
  if (bitOffset !== null) return bitOffset / 8;
  return value === null ? null : Number(valueText(BigInt(value)));
}

/** What a lane is drawn of. */
interface Lane {
  readonly row: PageHistory["rows"][number];
  readonly runs: readonly PageRun[];
  /** What its states are called, by their indexes. */
  readonly texts: ReadonlyMap<number, string>;
}

/** The words of a lane, for who does not see it: `s.a: 0 on A, 8 on B`. */
function laneWords({ row, runs, texts }: Lane): string {
  const parts = runs.map(({ label, first }) => `${texts.get(row.cells[first] ?? -1)} on ${label}`);
  return visible(`${row.path}: ${parts.join("; ")}`);
}

const MISSING: State = { status: "skipped", bitOffset: null, bits: null, value: null, answers: [], reason: null };

interface Run {
  readonly first: number;
  readonly count: number;
  readonly state: State;
  readonly cell: number;
}

/** Neighbours of one series with the same state. */
function runsOf({ states, kernels }: PageHistory, cells: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (let first = 0; first < cells.length; ) {
    let end = first + 1;
    while (end < cells.length && cells[end] === cells[first] && !isBorder(kernels, end)) end++;
    const cell = cells[first] ?? -1;
    runs.push({ first, count: end - first, state: states[cell] ?? MISSING, cell });
    first = end;
  }
  return runs;
}

/** Whether another series begins: no line leads there, for no kernel followed upon the other. */
function isBorder(kernels: readonly PageKernel[], at: number): boolean {
  return at > 0 && kernels[at]?.group !== kernels[at - 1]?.group;
}

/** One field over kernels: a line at the height of its offset, with the number where it changes, a band where it fails. */
export function laneOf(history: PageHistory, lane: Lane, width: number): SVGElement {
  const { row, texts } = lane;
  const { kernels, states } = history;
  const made = svg("svg", { class: "lane", role: "img", width: width * kernels.length, height: LANE_HEIGHT });
  made.setAttribute("aria-label", laneWords(lane));
  made.append(...groupLines(kernels, width, LANE_HEIGHT));
  const levels = row.cells.map((cell) => levelOf(states[cell] ?? MISSING));
  const known = levels.filter((level) => level !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const height = (level: number) =>
    high === low ? (TOP + BOTTOM) / 2 : BOTTOM - ((level - low) / (high - low)) * (BOTTOM - TOP);
  let before: { readonly x: number; readonly y: number } | null = null;
  for (const { first, count, state, cell } of runsOf(history, row.cells)) {
    if (isBorder(kernels, first)) before = null;
    const [from, to] = [first * width, (first + count) * width];
    const level = levelOf(state);
    const word = texts.get(cell) ?? "";
    const part = svg("g", { class: `run ${state.status}` });
    const label = `${kernels[first]?.name ?? ""}${count > 1 ? ` to ${kernels[first + count - 1]?.name ?? ""}` : ""}`;
    part.append(titled(`${word}: ${label}${state.reason === null ? "" : ` (${state.reason})`}`));
    part.append(svg("rect", { class: "band", x: from, y: 0, width: to - from, height: LANE_HEIGHT }));
    const fits = word.length * CHARACTER <= to - from - 2;
    if (level === null) {
      before = null;
      if (state.status !== "skipped" && fits) part.append(text(word, (from + to) / 2, LANE_HEIGHT / 2 + 4, "middle"));
    } else {
      const y = height(level);
      const [start, end] = [from + width / 2, to - width / 2];
      if (before !== null) {
        const middle = (before.x + start) / 2;
        part.append(svg("path", { class: "step", d: `M${before.x} ${before.y}H${middle}V${y}H${start}` }));
      }
      part.append(svg("path", { class: "line", d: `M${start} ${y}H${end}` }));
      for (let at = first; at < first + count; at++) {
        // Of a long run the ends are enough: a corpus has thousands of kernels.
        if (count > MOST_DOTS && at !== first && at !== first + count - 1) continue;
        part.append(svg("circle", { cx: (at + 0.5) * width, cy: y, r: DOT }));
      }
      if (fits) part.append(text(word, Math.max(from + 1, start - DOT), y - 5, "start"));
      before = { x: end, y };
    }
    made.append(part);
  }
  return made;
}

/** The kernels' names above the lanes, and what groups of them share. */
export function axisOf(kernels: readonly PageKernel[], width: number): SVGElement {
  const longest = Math.max(0, ...kernels.map(({ name }) => name.length));
  const height = Math.ceil(longest * AXIS_CHARACTER) + GROUP_HEIGHT + 16;
  const made = svg("svg", { class: "axis", width: width * kernels.length, height, "aria-hidden": "true" });
  made.append(...groupLines(kernels, width, height));
  for (const { first, count, group } of groupsOf(kernels)) {
    const room = Math.floor((count * width - 8) / GROUP_CHARACTER);
    const words = group.length <= room ? group : room < LEAST_GROUP ? "" : `${group.slice(0, room - 1)}\u2026`;
    const label = text(words, first * width + 4, 13, "start");
    label.setAttribute("class", "group-name");
    label.append(titled(group));
    made.append(label);
  }
  kernels.forEach(({ name }, i) => {
    const label = text(name, 0, 0, "start");
    label.setAttribute("transform", `translate(${(i + 0.5) * width + 4} ${height - 4}) rotate(-90)`);
    made.append(label);
  });
  return made;
}

function groupsOf(
  kernels: readonly PageKernel[],
): { readonly first: number; readonly count: number; readonly group: string }[] {
  const groups: { first: number; count: number; group: string }[] = [];
  kernels.forEach(({ group }, i) => {
    const last = groups.at(-1);
    if (last !== undefined && last.group === group) last.count++;
    else groups.push({ first: i, count: 1, group });
  });
  return groups;
}

function groupLines(kernels: readonly PageKernel[], width: number, height: number): SVGElement[] {
  return groupsOf(kernels)
    .slice(1)
    .map(({ first }) => svg("path", { class: "border", d: `M${first * width} 0V${height}` }));
}

function svg(tag: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const made = document.createElementNS(NAMESPACE, tag) as SVGElement;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}

function text(words: string, x: number, y: number, anchor: "start" | "middle"): SVGElement {
  const made = svg("text", { x, y, "text-anchor": anchor });
  made.textContent = visible(words);
  return made;
}

function titled(words: string): SVGElement {
  const made = svg("title", {});
  made.textContent = visible(words);
  return made;
}
