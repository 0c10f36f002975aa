/** Rows that are made at a time; more follow as the reader comes near the end. */
const CHUNK = 60;
/** How far below the window the end may be before more rows are made, in pixels. */
const AHEAD = 1000;

/** A row that is further off is shown with a few before it, and a button for the others. */
const FAR = 300;
const CONTEXT = 10;

/** A long list whose rows are made as they come into sight. */
export interface LazyList<T> {
  show(items: readonly T[]): void;
  /** Makes a row, and those around it: all before it where those are few. */
  makeAt(index: number): void;
}

/** Sets a list up in an element, with another behind it whose coming into sight asks for more. */
export function lazyList<T>(
  body: HTMLElement,
  end: HTMLElement,
  row: (item: T, index: number) => HTMLElement,
): LazyList<T> {
  let items: readonly T[] = [];
  let made = 0;
  const earlier = document.createElement("button");
  earlier.type = "button";
  earlier.className = "earlier";
  earlier.addEventListener("click", () => startAt(0));
  const makeUntil = (target: number) => {
    const fresh = document.createDocumentFragment();
    for (const until = Math.min(target, items.length); made < until; made++) fresh.append(row(items[made] as T, made));
    body.append(fresh);
    end.hidden = made === items.length;
  };
  /** The observer speaks of changes alone: where the end stays in sight, however high the window, more is made at once. */
  const makeAhead = () => {
    do makeUntil(made + CHUNK);
    while (made < items.length && !end.hidden && isNear(end));
  };
  new IntersectionObserver(
    (entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting) && made < items.length) makeAhead();
    },
    { rootMargin: `${AHEAD}px` },
  ).observe(end);
  const startAt = (index: number) => {
    made = index;
    earlier.textContent = `Show the ${index} before`;
    body.replaceChildren(...(index === 0 ? [] : [earlier]));
    makeAhead();
  };
  return {
    show: (next) => {
      items = next;
      startAt(0);
    },
    makeAt: (index) => {
      if (index - made > FAR) startAt(index - CONTEXT);
      else if (index >= made) makeUntil(index + 1);
    },
  };
}

/** A hidden part has no place: nothing is made for it beyond the first rows. */
function isNear(end: HTMLElement): boolean {
  return end.offsetParent !== null && end.getBoundingClientRect().top < innerHeight + AHEAD;
}
