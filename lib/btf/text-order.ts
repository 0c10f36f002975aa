/**
 * Order of texts by UTF-16 code units, which sort() has too: the same on every machine and in every locale. (Where
 * texts are ASCII, as a kernel's names are, that is the order of their bytes.)
 */
export function compareText(a: string, b: string): number {
  // Most texts that are compared differ in length, which is seen sooner than which is the lesser one.
  return a === b ? 0 : a < b ? -1 : 1;
}
