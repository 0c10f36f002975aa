/** ELF objects as abidiff and stgdiff want them: BTF, and symbols of the functions that they are to compare. */
import { writeFileSync } from "node:fs";
import { KIND_FUNC } from "../../lib/btf/format.ts";
import { nameOf } from "../../lib/btf/strings.ts";
import { type Btf, kindOf, typeCount } from "../../lib/btf/view.ts";
import { clangCommand } from "./clang.ts";
import { describeFailure, runProcess } from "./process.ts";

/** Functions by name, those left out whose name several have: static ones of several files. */
export function functionsOf(btf: Btf): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const several = new Set<string>();
  for (let id = 1; id < typeCount(btf); id++) {
    if (kindOf(btf, id) !== KIND_FUNC) continue;
    const name = nameOf(btf, id);
    if (found.has(name)) several.add(name);
    found.set(name, id);
  }
  for (const name of several) found.delete(name);
  return found;
}

/** Writes an object for x86_64 with `btfPath`'s BTF and a function symbol for each name. */
export function writeSymbolObject(objectPath: string, btfPath: string, names: Iterable<string>): void {
  const symbols = [...names].map((name) => `.globl ${name}\n.type ${name},@function\n${name}: ret\n.size ${name},1\n`);
  const text = `.text\n${symbols.join("")}.section .BTF,"a",@progbits\n.incbin ${JSON.stringify(btfPath)}\n`;
  writeFileSync(`${objectPath}.s`, text);
  const clang = clangCommand()?.[0] ?? "clang";
  const result = runProcess([clang, "-target", "x86_64-linux-gnu", "-c", `${objectPath}.s`, "-o", objectPath]);
  if (result.code !== 0) throw new Error(describeFailure(result));
}
