import { byId, counted, element, visible } from "../../corpus/compat/page/dom.ts";
import type { FieldImpact, ObjectImpact, ProgramImpact } from "../../lib/diff/impact.ts";
import type { AttachImpact } from "../../lib/diff/impact-targets.ts";
import type { ImpactReport } from "../diff/impact-report.ts";
import {
  CHANGE_WORDS,
  fieldWords,
  objectVerdict,
  programVerdict,
  shortNames,
  sourceWords,
  targetWords,
} from "../diff/impact-words.ts";
import type { Plain } from "./data.ts";
import { lazyList } from "./list.ts";
import { distinct, wordsOf } from "./model.ts";
import { fold, mono, type Part, revealIn, sign } from "./part.ts";

type Status = "breaks" | "works now" | "changes" | "as before" | "works in part" | "did not work" | "skipped";
const STATUSES: readonly Status[] = [
  "breaks",
  "works now",
  "did not work",
  "works in part",
  "changes",
  "as before",
  "skipped",
];
const TONES: Readonly<Record<Status, string>> = {
  breaks: "error",
  "works now": "added",
  "did not work": "poisoned",
  "works in part": "poisoned",
  changes: "changed",
  "as before": "resolved",
  skipped: "skipped",
};

interface Row {
  readonly impact: Plain<ObjectImpact>;
  /** As short as can be among the others. */
  readonly name: string;
  readonly key: string;
  readonly status: Status;
  readonly haystack: string;
}

/** What a step does to objects: the worst first. */
export function programsPart({ objects }: Plain<ImpactReport>, onToggle: (key: string, open: boolean) => void): Part {
  const names = shortNames(objects);
  const keys = distinct(names.map((name) => `object-${name}`));
  const rows = objects
    .map((impact, i) => rowOf(impact, names[i] ?? impact.name, keys[i] ?? ""))
    .sort((a, b) => STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status));
  const body = byId("programs");
  let open: ReadonlySet<string> = new Set();
  let seen: readonly Row[] = [];
  const list = lazyList<Row>(body, byId("programs-end"), (row) =>
    fold({
      key: row.key,
      label: row.name,
      summary: summaryOf(row),
      isOpen: open.has(row.key),
      content: () => contentOf(row.impact),
      onToggle,
    }),
  );
  return {
    section: "programs",
    word: "Programs",
    filters: STATUSES.map((status) => ({
      status,
      word: status,
      count: rows.filter((row) => row.status === status).length,
    })),
    kinds: [],
    show: ({ query, statuses }, opened) => {
      open = opened;
      const words = wordsOf(query);
      seen = rows.filter(({ status, haystack }) => {
        return (statuses.size === 0 || statuses.has(status)) && words.every((word) => haystack.includes(word));
      });
      list.show(seen);
      const programs = seen.reduce((sum, { impact }) => sum + impact.programs.length, 0);
      return `${counted(seen.length, "object")} of ${rows.length}, ${counted(programs, "program")}`;
    },
    keyOf: (link) => rows.find(({ key }) => key === link)?.key ?? null,
    reveal: (key) => {
      const at = seen.findIndex((row) => row.key === key);
      if (at === -1) return;
      list.makeAt(at);
      revealIn(body, key);
    },
  };
}

function rowOf(impact: Plain<ObjectImpact>, name: string, key: string): Row {
  const words = [impact.name];
  for (const { program, section, fields } of impact.programs) {
    words.push(program ?? "", section, ...fields.map(({ path, change }) => `${path} ${CHANGE_WORDS[change]}`));
  }
  for (const target of targetsOf(impact)) words.push(target.name, target.change);
  return {
    impact,
    name,
    key,
    status: statusOf(impact),
    haystack: words.join("\n").toLowerCase(),
  };
}

function targetsOf({ programs, targets }: Plain<ObjectImpact>): Plain<AttachImpact>[] {
  return [...programs.flatMap((program) => program.targets), ...targets];
}

function statusOf(impact: Plain<ObjectImpact>): Status {
  if (impact.skipped !== null) return "skipped";
  const verdict = objectVerdict(impact);
  if (verdict === "did not work, and does not") return "did not work";
  if (verdict !== "works") return verdict;
  const touched =
    impact.programs.some(({ change }) => change !== "same") ||
    targetsOf(impact).some(({ change }) => change !== "same");
  return touched ? "changes" : "as before";
}

function summaryOf({ impact, name, status }: Row): (HTMLElement | null)[] {
  const fields = impact.programs.flatMap((program) => changed(program.fields)).length;
  const targets = targetsOf(impact).filter(({ change }) => change !== "same").length;
  const facts = [counted(impact.programs.length, "program")];
  if (fields > 0) facts.push(`${counted(fields, "field")} changed`);
  if (targets > 0) facts.push(`${counted(targets, "target")} changed`);
  return [
    sign(TONES[status], status),
    element("span", { class: "name" }, mono(name)),
    element("span", { class: "muted" }, facts.join(", ")),
  ];
}

function changed(fields: readonly Plain<FieldImpact>[]): Plain<FieldImpact>[] {
  return fields.filter(({ change }) => change !== "same");
}

function contentOf(impact: Plain<ObjectImpact>): HTMLElement {
  const made = element("div", { class: "programs" });
  if (impact.skipped !== null) made.append(element("p", {}, visible(impact.skipped)));
  made.append(...targetList(impact.targets));
  made.append(...impact.programs.map((program) => programBlock(program, impact)));
  return made;
}

function targetList(targets: readonly Plain<AttachImpact>[]): HTMLElement[] {
  const some = targets.filter(({ change }) => change !== "same");
  if (some.length === 0) return [];
  return [
    element(
      "ul",
      { class: "targets" },
      ...some.map((target) => element("li", { class: target.change }, visible(targetWords(target)))),
    ),
  ];
}

function programBlock(program: Plain<ProgramImpact>, object: Plain<ObjectImpact>): HTMLElement {
  const title = element(
    "h3",
    {},
    mono(program.program ?? "(no program)"),
    element("span", { class: "muted" }, ` ${visible(program.section)}: `),
    element("span", { class: program.worked && !program.works ? "breaks" : "" }, programVerdict(program, object)),
  );
  const fields = changed(program.fields);
  const same = program.fields.length - fields.length;
  return element(
    "section",
    { class: "program" },
    title,
    ...targetList(program.targets),
    fields.length === 0 ? null : fieldTable(fields),
    same === 0 ? null : sameFields(program, same),
  );
}

function fieldTable(fields: readonly Plain<FieldImpact>[]): HTMLElement {
  const head = element(
    "tr",
    {},
    ...["Change", "Field or type", "What", "Source"].map((word) => element("th", { scope: "col" }, word)),
  );
  const rows = fields.map((field) =>
    element(
      "tr",
      {},
      element("td", {}, sign(field.change.replace("newly-", ""), CHANGE_WORDS[field.change])),
      element("td", { class: "path" }, mono(field.path)),
      element("td", { class: "why" }, visible(fieldWords(revive(field)))),
      element("td", { class: "mono muted" }, visible(sourceWords(revive(field)))),
    ),
  );
  const table = element("table", { class: "relocations" }, element("thead", {}, head), element("tbody", {}, ...rows));
  return element("div", { class: "scroll" }, table);
}

/** JSON has no bigint: numbers and strings become one again. */
function revive(field: Plain<FieldImpact>): FieldImpact {
  const side = (one: Plain<FieldImpact>["relocations"][number]["old"]) => ({
    ...one,
    value: one.value === null ? null : BigInt(one.value),
  });
  return {
    ...field,
    relocations: field.relocations.map((one) => ({ ...one, old: side(one.old), new: side(one.new) })),
  };
}

function sameFields({ fields }: Plain<ProgramImpact>, count: number): HTMLElement {
  const made = element("details", { class: "same" }, element("summary", {}, `${counted(count, "field")} as before`));
  made.addEventListener("toggle", () => {
    if (!made.open || made.childElementCount > 1) return;
    const same = fields.filter(({ change }) => change === "same");
    made.append(element("p", {}, ...same.flatMap(({ path }, i) => [i === 0 ? "" : ", ", mono(path)])));
  });
  return made;
}
