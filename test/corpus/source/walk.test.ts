import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { isProblem } from "../../../corpus/source/item.ts";
import { walkFiles } from "../../../corpus/source/walk.ts";
import { workspace } from "../../cli/workspace.ts";

const { directory, put } = workspace();
const found = (path: string) =>
  [...walkFiles(path)].map((item) => (isProblem(item) ? `${item.origin}: ${item.problem}` : item.name));

it("goes by the bytes of names, directories among files", () => {
  for (const name of ["b", "a/z", "a/y", "a-b", "B", "é", "z", "a.b"]) put(`order/${name}`, name);
  expect(found(join(directory, "order"))).toEqual(["B", "a/y", "a/z", "a-b", "a.b", "b", "z", "é"]);
});

it("follows links to files, and to no directory but the one given", () => {
  put("links/real", "1");
  mkdirSync(join(directory, "links/sub"));
  symlinkSync("real", join(directory, "links/file"));
  symlinkSync("..", join(directory, "links/sub/loop"));
  symlinkSync("self", join(directory, "links/self"));
  symlinkSync("nowhere", join(directory, "links/broken"));
  symlinkSync("links", join(directory, "entry"));
  const problems = [
    `${directory}/links/broken: no such file or directory`,
    "file",
    "real",
    `${directory}/links/self: too many symbolic links`,
  ];
  expect(found(join(directory, "links"))).toEqual(problems);
  expect(found(join(directory, "entry"))).toEqual(problems.map((line) => line.replace("/links/", "/entry/")));
});

it("says what it cannot look at", () => {
  expect(found(join(directory, "missing"))).toEqual([`${directory}/missing: no such file or directory`]);
  put("locked/in/side", "1");
  chmodSync(join(directory, "locked/in"), 0);
  const isRoot = process.getuid?.() === 0;
  const expected = isRoot ? ["in/side"] : [`${directory}/locked/in: permission denied`];
  expect(found(join(directory, "locked"))).toEqual(expected);
  chmodSync(join(directory, "locked/in"), 0o755);
});

it("takes a file as it is named", () => {
  const path = put("named/one", "12345");
  expect([...walkFiles(path)]).toEqual([{ path, name: path, size: 5, isNamed: true }]);
});

it("goes through 10,000 files", () => {
  mkdirSync(join(directory, "many"));
  for (let i = 0; i < 10_000; i++) writeFileSync(join(directory, "many", `f${i}`), "");
  expect(found(join(directory, "many")).length).toBe(10_000);
});
