/** The parts a page may have. */
export const SECTIONS = ["types", "programs", "fields"] as const;
export type Section = (typeof SECTIONS)[number];

/** What the part of the address behind `#` says. */
export interface Address {
  /** Null where it does not say which part: the one with the first thing that is open, or the page's first. */
  readonly section: Section | null;
  readonly query: string;
  /** `struct`, ...; empty for all. */
  readonly kind: string;
  /** Empty for all. */
  readonly statuses: readonly string[];
  /** Keys of what is open: `struct-task_struct`, `object-exec.o`, `field-task_struct.tgid`. */
  readonly open: readonly string[];
}

/** Nothing filtered, nothing open. */
export const WHOLE: Address = { section: null, query: "", kind: "", statuses: [], open: [] };

/**
 * Reads `#q=...&kind=struct&status=removed&open=struct-task_struct`, or a link to one thing alone: `#struct-task_struct`,
 * `#type-task_struct` whatever its kind, `#field-task_struct.tgid`.
 */
export function readAddress(hash: string): Address {
  const text = hash.replace(/^#/, "");
  if (text === "") return WHOLE;
  if (!text.includes("=")) return { ...WHOLE, open: [decode(text)] };
  const params = new URLSearchParams(text);
  const section = params.get("part");
  return {
    section: SECTIONS.find((name) => name === section) ?? null,
    query: params.get("q") ?? "",
    kind: params.get("kind") ?? "",
    statuses: params.getAll("status"),
    open: params.getAll("open"),
  };
}

/** The same as text: a link to one thing where nothing else is said; empty where nothing is. */
export function addressText({ section, query, kind, statuses, open }: Address): string {
  const [only] = open;
  const isPlain = section === null && query === "" && kind === "" && statuses.length === 0;
  if (isPlain && open.length === 1 && only !== undefined && !only.includes("=")) return encode(only);
  const params = new URLSearchParams();
  if (section !== null) params.set("part", section);
  if (query !== "") params.set("q", query);
  if (kind !== "") params.set("kind", kind);
  for (const status of statuses) params.append("status", status);
  for (const key of open) params.append("open", key);
  return params.toString();
}

/** A key as a link has it. */
export function encode(key: string): string {
  return encodeURIComponent(key);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not one of ours: it leads nowhere.
    return text;
  }
}
