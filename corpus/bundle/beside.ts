/** What a bundle's provenance is called: the bundle's own name and this. */
export const PROVENANCE_SUFFIX = ".provenance.json";

/** Where the provenance of a bundle is: beside it, under the bundle's own name (without a `/` at the end) and suffix. */
export function provenancePath(bundle: string): string {
  return bundle.replace(/(?<=.)\/+$/, "") + PROVENANCE_SUFFIX;
}
