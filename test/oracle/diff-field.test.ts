/**
 * What else says which structs of two kernels differ: pahole's text of each struct, and bpftool's C. Whatever one of
 * them finds and btfgen does not, or the other way round, must have a reason that docs/DIFF.md gives.
 */
import { beforeAll, expect, it } from "vitest";
import { parseBtf } from "../../lib/btf/parse.ts";
import { nameOf } from "../../lib/btf/strings.ts";
import { type Btf, isComposite, kindName, kindOf, typeCount } from "../../lib/btf/view.ts";
import type { Change, TypeChange } from "../../lib/diff/change.ts";
import { diffTypes } from "../../lib/diff/diff.ts";
import { kernelSample } from "../samples.ts";
import { KERNEL_STEPS } from "./kernel-steps.ts";
import { paholeCommand } from "./pahole.ts";
import { runProcess } from "./process.ts";
import { describeOracle } from "./requirements.ts";

interface Side {
  readonly path: string;
  readonly btf: Btf;
}

let old: Side;
let next: Side;
/** By `struct NAME`: those of one definition on each side. */
let changed: ReadonlyMap<string, TypeChange>;
/** Names of more than one struct or union of their kind on a side: other programs show one of them, or number them. */
let ambiguous: ReadonlySet<string>;

/** Every struct and union at the beginning of a line, by `struct NAME`, as text. */
function blocks(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const match of text.matchAll(/^((?:struct|union) \w+) \{\n(?:.*\n)*?\}.*;/gm)) {
    found.set(match[1] ?? "", match[0]);
  }
  return found;
}

function output(command: readonly string[]): string {
  const { code, stdout } = runProcess([...command]);
  expect(code).toBe(0);
  return Buffer.from(stdout).toString("latin1");
}

/** Names whose text differs, of those that both sides have once. */
function differing(a: string, b: string, same: (text: string) => string = (text) => text): Set<string> {
  const [left, right] = [blocks(a), blocks(b)];
  expect(left.size).toBeGreaterThan(5_000);
  const names = [...left.keys()].filter((name) => right.has(name) && !ambiguous.has(name));
  return new Set(names.filter((name) => same(left.get(name) ?? "") !== same(right.get(name) ?? "")));
}

function namesOf(btf: Btf, seen: Set<string>, several: Set<string>): void {
  seen.clear();
  for (let id = 1; id < typeCount(btf); id++) {
    if (!isComposite(kindOf(btf, id))) continue;
    const name = `${kindName(kindOf(btf, id)).toLowerCase()} ${nameOf(btf, id)}`;
    if (seen.has(name)) several.add(name);
    seen.add(name);
  }
}

/** What pahole shows of what is inside a member of another type: how large it is, and its holes. */
function withoutInside(text: string): string {
  return text
    .replace(/\/\*\s*(\d+(?::\s*\d+)?)\s+\d+ \*\//g, "/* $1 */")
    .replace(/^\s*\/\* (?:XXX|size:|sum members:|paddings:|padding:|last cacheline:|forced|bit_padding:|---).*\n/gm, "")
    .replace(/ __attribute__\(\(__(?:packed|aligned)__.*\)\)/g, "")
    .replace(/^\s*\n/gm, "");
}

/** bpftool's C without what it makes up: padding, packing, and numbers of names that stand for several types. */
function declared(text: string): string {
  return text
    .replace(/ __attribute__\(\(.*\)\)/g, "")
    .replace(/^\s*(?:long|int|short|char|unsigned \w+): *\d+;\n/gm, "")
    .replace(/___\d+\b/g, "");
}

function compareAll(names: readonly [string, string]): void {
  beforeAll(() => {
    [old, next] = names.map(kernelSample).map(({ path, bytes }) => ({ path, btf: parseBtf(bytes) })) as [Side, Side];
    const several = new Set<string>();
    for (const { btf } of [old, next]) namesOf(btf, new Set(), several);
    ambiguous = several;
    const { types } = diffTypes(old.btf, next.btf);
    const composites = types.filter(
      ({ kind, status }) => status === "changed" && (kind === "struct" || kind === "union"),
    );
    changed = new Map(composites.map((type) => [`${type.kind} ${type.name}`, type]));
  }, 120_000);

  it("finds the structs that pahole shows otherwise, and no others", { timeout: 180_000 }, () => {
    const dump = ({ path }: Side) => output([paholeCommand()?.[0] ?? "pahole", "-F", "btf", path]);
    const [a, b] = [dump(old), dump(next)];
    const theirs = differing(a, b);
    const ours = new Set([...changed.keys()].filter((name) => !ambiguous.has(name)));
    const both = [...ours].filter((name) => theirs.has(name));
    expect(both.length).toBeGreaterThan(300);
    const onlyOurs = [...ours].filter((name) => !theirs.has(name) && blocks(a).has(name) && blocks(b).has(name));
    expect(onlyOurs).toEqual([]);
    // Where only pahole differs, it is in what another type's change says already.
    const inside = differing(a, b, withoutInside);
    expect([...theirs].filter((name) => !ours.has(name) && inside.has(name))).toEqual([]);
  });

  it("finds the structs that bpftool declares otherwise, and others only where C does not tell", {
    timeout: 180_000,
  }, () => {
    const dump = ({ path }: Side) => output(["bpftool", "btf", "dump", "file", path, "format", "c"]);
    const [a, b] = [dump(old), dump(next)];
    const theirs = differing(a, b, declared);
    const [left, right] = [blocks(a), blocks(b)];
    expect([...theirs].filter((name) => !changed.has(name) && !/___\d+$/.test(name))).toEqual([]);
    const isUnseen = (change: Change) =>
      change.what === "size" ||
      (change.what === "member" &&
        change.how.length > 0 &&
        change.how.every((how) => how === "moved" || how === "resized"));
    const missed = [...changed].filter(([name, { changes }]) => {
      // What is only declared, or empty, has no lines there.
      const isShown = left.has(name) && right.has(name) && !ambiguous.has(name);
      return isShown && !theirs.has(name) && !changes.every(isUnseen);
    });
    expect(missed.map(([name]) => name)).toEqual([]);
  });
}

for (const names of KERNEL_STEPS) {
  describeOracle(`btfgen diff beside pahole and bpftool, ${names.join(" to ")}`, ["pahole", "bpftool"], () => {
    compareAll(names);
  });
}
