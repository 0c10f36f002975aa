import type { CompatDocument } from "./document.ts";

/** Where a page's frame has its data; the build puts script and style in. */
const DATA_MARK = "<!--data-->";

/** The matrix as one HTML file that needs no server and no network. `template` is what the build makes of page/frame.html. */
export function compatHtml(document: CompatDocument, template: string): Uint8Array {
  return pageHtml(JSON.stringify(document), template);
}

/**
 * A page's frame with data in it as JSON. Names in the data come from files that may be hostile: `<` is escaped, so
 * nothing in them ends the element, and the page puts them into text nodes alone.
 */
export function pageHtml(json: string, template: string): Uint8Array {
  const at = template.indexOf(DATA_MARK);
  if (at === -1) throw new Error(`the template has no ${DATA_MARK}`);
  const safe = json.replaceAll("<", "\\u003c");
  return new TextEncoder().encode(template.slice(0, at) + safe + template.slice(at + DATA_MARK.length));
}
