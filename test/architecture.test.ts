import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { MORE_WHEN_THOROUGH, SLOW } from "./slow.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const MOST_LINES = 400;

/** Modules of Node that the library may use: bytes in, bytes out. */
const PURE: ReadonlySet<string> = new Set(["node:zlib"]);

/** What each room may import besides itself: imports only go down. */
const LIBRARY: Readonly<Record<string, readonly string[]>> = {
  "lib/btf": [],
  "lib/c": ["lib/btf"],
  "lib/elf": ["lib/btf"],
  "lib/core": ["lib/btf", "lib/c", "lib/elf"],
  // Not each other: verify is an independent check of minimize.
  "lib/minimize": ["lib/btf", "lib/elf", "lib/core"],
  "lib/verify": ["lib/btf", "lib/elf", "lib/core"],
  // One kernel from bytes to proof, where minimize and verify meet.
  "lib/job": ["lib/btf", "lib/elf", "lib/core", "lib/minimize", "lib/verify"],
  "lib/diff": ["lib/btf", "lib/c", "lib/core"],
  "lib/prepare": ["lib/btf", "lib/elf", "lib/core"],
  "lib/loader": ["lib/btf", "lib/elf", "lib/core", "lib/prepare"],
};
const ALL_OF_IT = Object.keys(LIBRARY);
const BELOW: Readonly<Record<string, readonly string[]>> = {
  ...LIBRARY,
  // Compiled to WebAssembly by a compiler of its own, which can read constants of ours.
  assembly: ["lib/btf"],
  api: [...ALL_OF_IT, "corpus"],
  corpus: ["lib/btf", "lib/elf", "lib/core", "lib/minimize", "lib/verify", "lib/job", "lib/diff", "lib/prepare"],
  // A program of its own: what calls native libraries. Who starts it knows its questions and answers only.
  checker: ["lib/btf", "lib/elf", "lib/core", "lib/verify", "lib/loader"],
  // A kernel of one's choice around the checker.
  vm: ["lib/btf", "lib/elf", "checker", "corpus"],
  cli: [...ALL_OF_IT, "corpus", "checker", "vm"],
};

interface Source {
  /** From the root, with `/`. */
  readonly path: string;
  readonly room: string;
  readonly text: string;
}

const sources = ["api", "assembly", "lib", "checker", "vm", "corpus", "cli"].flatMap(sourcesBelow);

describe("the rooms", () => {
  it("has sources to judge", () => {
    expect(sources.length).toBeGreaterThan(10);
  });

  it("knows every room", () => {
    const unknown = sources.filter(({ room }) => BELOW[room] === undefined);
    expect(unknown.map(({ path }) => path)).toEqual([]);
  });

  it("imports only what is below", () => {
    const wrong = sources.flatMap(({ path, room, text }) =>
      importsOf(path, text)
        .filter((target) => roomOf(target) !== room && !BELOW[room]?.includes(roomOf(target)))
        .map((target) => `${path} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it(`has no file of more than ${MOST_LINES} lines`, () => {
    const long = sources.filter(({ text }) => text.split("\n").length - 1 > MOST_LINES);
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  it("keeps the library free of packages and of all of Node but pure functions", () => {
    const impure = sources
      .filter(({ path }) => path.startsWith("lib/") || path.startsWith("api/"))
      .flatMap(({ path, text }) => specifiersOf(text).map((specifier) => ({ path, specifier })))
      .filter(({ specifier }) => !specifier.startsWith(".") && !PURE.has(specifier));
    expect(impure).toEqual([]);
  });
});

describe("npm run test:thorough", () => {
  const tests = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts") && !name.startsWith("vm-kernels"))
    .map((name) => `test/${name}`);
  const runs = (path: string) => [...SLOW, ...MORE_WHEN_THOROUGH].some((listed) => path.startsWith(listed));

  it("has every test with more to ask when there is time", () => {
    const asking = tests.filter((path) =>
      /\b(THOROUGH|KERNELS_TO_ASK)\b.*"(\.\.\/)+samples\.ts"/s.test(readFileSync(join(root, path), "utf8")),
    );
    expect(asking.length).toBeGreaterThan(10);
    expect(asking.filter((path) => !runs(path))).toEqual([]);
  });

  it("has no test that is gone", () => {
    const gone = [...SLOW, ...MORE_WHEN_THOROUGH].filter((listed) => !tests.some((path) => path.startsWith(listed)));
    expect(gone).toEqual([]);
  });
});

function sourcesBelow(directory: string): Source[] {
  const entries = readdirSync(root).includes(directory)
    ? readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    : [];
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .map((path) => ({ path, room: roomOf(path), text: readFileSync(join(root, path), "utf8") }));
}

function roomOf(path: string): string {
  const parts = path.split("/");
  return parts[0] === "lib" ? parts.slice(0, 2).join("/") : (parts[0] ?? "");
}

function importsOf(path: string, text: string): string[] {
  return specifiersOf(text)
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => relative(root, join(root, dirname(path), specifier)));
}

/** What a file imports, statically or not: the string after `from` or in `import(...)`. */
function specifiersOf(text: string): string[] {
  return [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom "([^"]+)"|\bimport\("([^"]+)"\)|^import "([^"]+)"/gm)].map(
    (match) => match[1] ?? match[2] ?? match[3] ?? "",
  );
}
