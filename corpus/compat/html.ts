import type { CompatDocument } from "./document.ts";

/** Where the frame has the document; the build puts script and style in. */
const DATA_MARK = "<!--data-->";

/**
 * The matrix as one HTML file that needs no server and no network: the frame with the document in it as JSON. Names in
 * the document come from files that may be hostile: `<` is escaped, so nothing in them ends the element, and the page
 * puts them into text nodes alone. `template` is what the build makes of page/frame.html.
 */
export function compatHtml(document: CompatDocument, template: string): Uint8Array {
  const json = JSON.stringify(document).replaceAll("<", "\\u003c");
  const at = template.indexOf(DATA_MARK);
  if (at === -1) throw new Error(`the template has no ${DATA_MARK}`);
  return new TextEncoder().encode(template.slice(0, at) + json + template.slice(at + DATA_MARK.length));
}
