import { needyObjects } from "../../../lib/prepare/need-text.ts";
import type { CompatDocument } from "../document.ts";
import { counted, element, visible } from "./dom.ts";

/** What is true of objects on every kernel, folded: what they may have lost, and need besides relocations. */
export function objectNotes({ objects }: CompatDocument): HTMLElement[] {
  const lacking = objects.flatMap(({ name, lacks }) => (lacks === null ? [] : [{ name, words: [lacks] }]));
  const needy = needyObjects(objects).map(({ name, required }) => ({ name, words: required }));
  return [
    ...list(lacking, "without the BTF that CO-RE relocations are in"),
    ...list(needy, `that need${needy.length === 1 ? "s" : ""} the running kernel's own BTF besides`),
  ];
}

function list(objects: readonly { name: string; words: readonly string[] }[], what: string): HTMLElement[] {
  if (objects.length === 0) return [];
  const items = objects.map(({ name, words }) =>
    element("li", {}, `${visible(name)}: `, element("span", { class: "mono" }, visible(words.join(", ")))),
  );
  const summary = element("summary", {}, `${counted(objects.length, "object")} ${what}`);
  return [element("details", { class: "objects" }, summary, element("ul", {}, ...items))];
}
