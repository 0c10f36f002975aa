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

it("says so of a name that cannot be opened", () => {
  put("names/good", "1");
  writeFileSync(Buffer.concat([Buffer.from(join(directory, "names/")), Buffer.from([0x62, 0xff])]), "1");
  expect(found(join(directory, "names"))).toEqual([`${directory}/names/b\ufffd: its name is not UTF-8`, "good"]);
});

it("goes through 10,000 files", () => {
  mkdirSync(join(directory, "many"));
  for (let i = 0; i < 10_000; i++) writeFileSync(join(directory, "many", `f${i}`), "");
  expect(found(join(directory, "many")).length).toBe(10_000);
});

it("passes over what is hidden, but for what is named", () => {
  for (const name of [".git/objects/ab", ".kept.4f2a.tmp", ".a.btf.12.tmp/debian/x.btf", "sub/.DS_Store", "sub/a"])
    put(`hidden/${name}`, "1");
  expect(found(join(directory, "hidden"))).toEqual(["sub/a"]);
  expect(found(join(directory, "hidden/.git"))).toEqual(["objects/ab"]);
});

it("passes over bundles, which say themselves that they are, but for what is named", () => {
  const files = ["btfs.tar.xz", "btfs.tar.xz.provenance.json", "tree.provenance.json", "tree/debian/12/x86_64/6.1.btf"];
  for (const name of [...files, "lone.provenance.json", "treetop"]) put(`bundles/${name}`, "1");
  const reason = "a bundle of small BTF, as its provenance beside it says";
  const path = join(directory, "bundles");
  expect(found(path)).toEqual([
    `${path}/btfs.tar.xz: ${reason}`,
    "lone.provenance.json",
    `${path}/tree: ${reason}`,
    "treetop",
  ]);
  expect(found(join(path, "tree"))).toEqual(["debian/12/x86_64/6.1.btf"]);
  expect(found(join(path, "btfs.tar.xz"))).toEqual([join(path, "btfs.tar.xz")]);
});
