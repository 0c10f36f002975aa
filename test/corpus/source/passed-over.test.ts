import { expect, it } from "vitest";
import { isPassedOver, type SourceProblemCode } from "../../../corpus/source/item.ts";

it.each<[SourceProblemCode, string, boolean]>([
  ["no-kernel", "corpus/README", true],
  ["no-kernel", "corpus.btf.d/README", true],
  ["no-kernel", "6.1.btf.tar.xz.sha256", true],
  ["no-kernel", "all.tar", true],
  ["no-kernel", "6.1.btf", false],
  ["no-kernel", "6.1.btf.tar.xz", false],
  ["no-kernel", "all.tar!6.1.btf.gz", false],
  ["module", "veth.btf", true],
  ["module", "veth.ko", true],
  ["truncated", "README", false],
  ["unreadable", "README", false],
])("%s of %s in a directory is passed over: %s", (code, origin, passedOver) => {
  const problem = { origin, code, problem: "" };
  expect(isPassedOver(problem, false)).toBe(passedOver);
  expect(isPassedOver(problem, true)).toBe(false);
});
