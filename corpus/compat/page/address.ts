import { ROW_STATUSES, type RowStatus, SORT_KEYS, type View } from "./model.ts";

/** What the part of the address behind `#` says: the view, and which rows are open. */
export interface Address {
  readonly view: View;
  /** Keys of kernels (or origins) whose rows are open. */
  readonly open: readonly string[];
}

/** Nothing filtered, the document's order. */
export const WHOLE_VIEW: View = {
  query: "",
  distribution: "",
  arch: "",
  column: -1,
  statuses: new Set(),
  sort: "kernels",
  descending: false,
};

/**
 * Reads `#q=...&distribution=debian&arch=arm64&object=exec.o&status=poisoned&sort=-count&open=debian/12/...`. What makes no
 * sense is left out. `columns` are the columns' names.
 */
export function readAddress(hash: string, columns: readonly string[]): Address {
  const params = new URLSearchParams(hash.replace(/^#/, ""));
  const statuses = params.getAll("status").filter((word) => (ROW_STATUSES as readonly string[]).includes(word));
  const sort = params.get("sort") ?? "";
  const key = SORT_KEYS.find((candidate) => candidate === sort.replace(/^-/, ""));
  return {
    view: {
      query: params.get("q") ?? "",
      distribution: params.get("distribution") ?? "",
      arch: params.get("arch") ?? "",
      column: columns.indexOf(params.get("object") ?? ""),
      statuses: new Set(statuses as RowStatus[]),
      sort: key ?? "kernels",
      descending: key !== undefined && sort.startsWith("-"),
    },
    open: params.getAll("open"),
  };
}

/** The same as text; empty for the whole view with nothing open. */
export function addressText({ view, open }: Address, columns: readonly string[]): string {
  const params = new URLSearchParams();
  if (view.query !== "") params.set("q", view.query);
  if (view.distribution !== "") params.set("distribution", view.distribution);
  if (view.arch !== "") params.set("arch", view.arch);
  const column = columns[view.column];
  if (column !== undefined) params.set("object", column);
  for (const status of view.statuses) params.append("status", status);
  if (view.sort !== "kernels" || view.descending) params.set("sort", `${view.descending ? "-" : ""}${view.sort}`);
  for (const key of open) params.append("open", key);
  // A slash need not be escaped there, and people read links.
  return params.toString().replaceAll("%2F", "/");
}
