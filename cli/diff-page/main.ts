import { byId, element, grouped, visible } from "../../corpus/compat/page/dom.ts";
import { type Address, addressText, readAddress, type Section, WHOLE } from "./address.ts";
import type { DiffPageData } from "./data.ts";
import { fieldsPart } from "./fields.ts";
import type { Part } from "./part.ts";
import { programsPart } from "./programs.ts";
import { typesPart } from "./types.ts";

/** A pause in typing after which the search is done. */
const TYPING_MS = 120;
/** More folds than that at once would take the page's breath. */
const MOST_UNFOLDED = 200;

start(JSON.parse(byId("data").textContent ?? "") as DiffPageData);

function start(data: DiffPageData): void {
  let address: Address = WHOLE;
  let open = new Set<string>();
  const onToggle = (key: string, isOpen: boolean) => {
    if (isOpen === open.has(key)) return;
    if (isOpen) open.add(key);
    else open.delete(key);
    keepAddress();
  };
  const parts: Part[] = [];
  if (data.impact !== null) parts.push(programsPart(data.impact, onToggle));
  if (data.types !== null) parts.push(typesPart(data.types, onToggle));
  if (data.history !== null) parts.push(fieldsPart(data.history, onToggle));
  let current = parts[0];
  if (current === undefined) return;

  const query = byId<HTMLInputElement>("query");
  const kind = byId<HTMLSelectElement>("kind");
  document.title = visible(data.title);
  byId("title").textContent = visible(data.title);
  const tabs = new Map(
    parts.map((part) => [part.section, tabOf(part, () => change({ section: part.section, statuses: [], kind: "" }))]),
  );
  byId("tabs").append(...tabs.values());
  byId("tabs").hidden = parts.length < 2;

  let typing: ReturnType<typeof setTimeout> | undefined;
  query.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => change({ query: query.value }), TYPING_MS);
  });
  kind.addEventListener("change", () => change({ kind: kind.value }));
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("unfold").addEventListener("click", () => foldAll(true));
  byId("fold").addEventListener("click", () => foldAll(false));
  // The address belongs to what is open.
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("content").focus();
  });
  byId("theme").addEventListener("click", switchTheme);
  window.addEventListener("hashchange", fromAddress);

  function partOf(section: Section | null): Part | undefined {
    return parts.find((part) => part.section === section);
  }

  function change(some: Partial<Address>): void {
    address = { ...address, ...some };
    draw();
    keepAddress();
  }

  function draw(): void {
    const part = partOf(address.section) ?? current;
    if (part === undefined) return;
    current = part;
    for (const other of parts) {
      byId(`part-${other.section}`).hidden = other !== part;
      tabs.get(other.section)?.setAttribute("aria-selected", String(other === part));
    }
    query.value = address.query;
    drawKinds(part);
    drawChips(part);
    const view = { query: address.query, kind: address.kind, statuses: new Set(address.statuses) };
    byId("count").textContent = part.show(view, open);
  }

  function drawKinds(part: Part): void {
    const options = part.kinds.map(([name, count]) =>
      element("option", { value: name }, `${name} (${grouped(count)})`),
    );
    kind.replaceChildren(element("option", { value: "" }, "all"), ...options);
    kind.value = address.kind;
    byId("kinds").hidden = part.kinds.length < 2;
  }

  function drawChips(part: Part): void {
    const chips = part.filters
      .filter(({ count }) => count > 0)
      .map(({ status, word, count }) => {
        const isOn = address.statuses.includes(status);
        const chip = element(
          "button",
          { type: "button", class: "chip plain", "data-status": status, "aria-pressed": String(isOn) },
          `${word} `,
          element("span", {}, grouped(count)),
        );
        chip.addEventListener("click", () => {
          const others = address.statuses.filter((other) => other !== status);
          change({ statuses: isOn ? others : [...others, status] });
          byId("statuses").querySelector<HTMLElement>(`[data-status="${status}"]`)?.focus();
        });
        return chip;
      });
    byId("statuses").replaceChildren(...chips);
  }

  /** Those that are made; with very many, only the first. */
  function foldAll(isOpen: boolean): void {
    if (current === undefined) return;
    const rows = [...byId(`part-${current.section}`).querySelectorAll<HTMLDetailsElement>("details.item")];
    for (const row of isOpen ? rows.slice(0, MOST_UNFOLDED) : rows) row.open = isOpen;
    if (!isOpen) open.clear();
    keepAddress();
  }

  function keepAddress(): void {
    // A link that names two hundred things helps nobody.
    const named = open.size > MOST_NAMED ? [] : [...open];
    const [first] = named;
    const implied = parts.find((part) => first !== undefined && part.keyOf(first) !== null) ?? parts[0];
    const section = current === implied ? null : (current?.section ?? null);
    const text = addressText({ ...address, section, open: named });
    history.replaceState(null, "", text === "" ? location.pathname + location.search : `#${text}`);
  }

  function fromAddress(): void {
    const asked = readAddress(location.hash);
    const found = asked.open.flatMap((link) =>
      parts.flatMap((part) => {
        const key = part.keyOf(link);
        return key === null ? [] : [{ part, key }];
      }),
    );
    address = { ...asked, section: asked.section ?? found[0]?.part.section ?? parts[0]?.section ?? null };
    open = new Set(found.map(({ key }) => key));
    draw();
    const shown = found.find(({ part }) => part === current);
    if (shown !== undefined) shown.part.reveal(shown.key);
    byId("lost").textContent =
      asked.open.length > found.length ? "Not everything the address names is here: it did not change." : "";
  }

  fromAddress();
}

/** Names in an address. */
const MOST_NAMED = 12;

function tabOf({ word, section }: Part, onClick: () => void): HTMLElement {
  const tab = element(
    "button",
    { type: "button", role: "tab", id: `tab-${section}`, "aria-controls": `part-${section}` },
    word,
  );
  tab.addEventListener("click", onClick);
  return tab;
}

function switchTheme(): void {
  const { dataset } = document.documentElement;
  const isDark =
    dataset.theme === undefined ? matchMedia("(prefers-color-scheme: dark)").matches : dataset.theme === "dark";
  dataset.theme = isDark ? "light" : "dark";
}
