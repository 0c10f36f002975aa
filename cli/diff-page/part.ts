import { element, visible } from "../../corpus/compat/page/dom.ts";
import { encode, type Section } from "./address.ts";
import type { View } from "./model.ts";

/** A status by which a part can be filtered. */
export interface Filter {
  readonly status: string;
  readonly word: string;
  readonly count: number;
}

/** One part of the page: types, programs or fields. */
export interface Part {
  readonly section: Section;
  readonly word: string;
  readonly filters: readonly Filter[];
  readonly kinds: readonly (readonly [kind: string, count: number])[];
  /** Shows what a view lets through, and says how much that is. */
  show(view: View, open: ReadonlySet<string>): string;
  /** The key that a link means; null where it is none of this part. */
  keyOf(link: string): string | null;
  /** Brings something that is shown into sight. */
  reveal(key: string): void;
}

/** What a fold is made of. */
export interface Fold {
  readonly key: string;
  readonly label: string;
  readonly summary: readonly (Node | string | null)[];
  readonly isOpen: boolean;
  /** Made when it is opened. */
  readonly content: () => HTMLElement;
  readonly onToggle: (key: string, open: boolean) => void;
}

/** A row that opens: its content is made when it does. */
export function fold({ key, label, summary, isOpen, content, onToggle }: Fold): HTMLElement {
  const link = element(
    "a",
    { class: "anchor", href: `#${encode(key)}`, "aria-label": `Link to ${visible(label)}` },
    "#",
  );
  const made = element("details", { class: "item", "data-key": key }, element("summary", {}, ...summary, link));
  const fill = () => {
    if (made.open && made.childElementCount === 1) made.append(content());
  };
  made.open = isOpen;
  fill();
  made.addEventListener("toggle", () => {
    fill();
    onToggle(key, made.open);
  });
  return made;
}

/** Opens a fold in a list and brings it into sight. */
export function revealIn(body: HTMLElement, key: string): void {
  const found = [...body.children].find((child) => child.getAttribute("data-key") === key);
  if (!(found instanceof HTMLDetailsElement)) return;
  found.open = true;
  found.scrollIntoView({ block: "start" });
  // Rows above had a guessed height until they came into sight.
  requestAnimationFrame(() => requestAnimationFrame(() => found.scrollIntoView({ block: "start" })));
  found.querySelector("summary")?.focus({ preventScroll: true });
}

/** A small labelled sign: the word says it, the colour only helps. */
export function sign(tone: string, word: string): HTMLElement {
  return element("span", { class: `badge ${tone}` }, word);
}

/** A name from a file, in code. */
export function mono(text: string, extra = ""): HTMLElement {
  return element("code", { class: `mono ${extra}`.trim() }, visible(text));
}
