/** No name of a person's is longer; longer ones come from corrupt files and are not compared. */
const MAX_LENGTH = 256;

/**
 * The name a person most likely meant: the one fewest edits away (a letter more, less, other, or two swapped), if
 * those are at most a third of its letters; the first of several. Undefined when none is near.
 */
export function nearest(word: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  const letters = letterCounts(word);
  const scratch = new Int16Array(LETTERS);
  for (const name of names) {
    const allowed = Math.min(allowedEdits(word.length, name.length), bestDistance - 1);
    if (Math.abs(word.length - name.length) > allowed || Math.max(word.length, name.length) > MAX_LENGTH) continue;
    if (lettersApart(letters, word.length, name, scratch, allowed) > allowed) continue;
    const distance = editDistance(word, name, allowed);
    if (distance > allowed) continue;
    best = name;
    bestDistance = distance;
  }
  return best;
}

/** How many edits apart two words of these lengths may be to count as near. */
export function allowedEdits(length: number, otherLength: number): number {
  return Math.max(1, Math.floor(Math.max(length, otherLength) / 3));
}

/** Letters are told apart by the low bits of their codes: two that share them can only look nearer than they are. */
const LETTERS = 128;

function letterCounts(word: string): Int16Array {
  const counts = new Int16Array(LETTERS);
  for (let i = 0; i < word.length; i++) (counts[word.charCodeAt(i) % LETTERS] as number)++;
  return counts;
}

/**
 * The least number of edits that could give one word's letters the other's, in whatever order: no more than the distance;
 * some number above `allowed` where it is more than that. Few names get further than their first letters, so that this,
 * asked before the distance itself, is what makes looking through a kernel's 40,000 functions cheap.
 */
function lettersApart(letters: Int16Array, length: number, name: string, scratch: Int16Array, allowed: number): number {
  scratch.set(letters);
  let surplus = 0;
  for (let i = 0; i < name.length && surplus <= allowed; i++) {
    const letter = name.charCodeAt(i) % LETTERS;
    const left = scratch[letter] as number;
    if (left > 0) scratch[letter] = left - 1;
    else surplus++;
  }
  // The letters of the word that are in the name are those of the name that are no surplus.
  return Math.max(surplus, length - (name.length - surplus));
}

/** Optimal string alignment distance, in edits; some number above `allowed` where it is more than that. */
function editDistance(a: string, b: string, allowed: number): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  let beforeLeast = 0;
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    let least = row;
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let edits = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        edits = Math.min(edits, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(edits);
      if (edits < least) least = edits;
    }
    // A swap reaches back two rows, so both must be beyond what is allowed.
    if (least > allowed && beforeLeast > allowed) return least;
    beforeLeast = least;
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}
