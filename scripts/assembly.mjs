// @ts-check
// Makes lib/diff/numbering-wasm.ts of assembly/, by AssemblyScript's compiler; with --check only says whether it is up
// to date. It is kept in the repository, so that nobody needs the compiler who does not change assembly/.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, "lib/diff/numbering-wasm.ts");
const scratch = mkdtempSync(join(tmpdir(), "btfgen-assembly-"));
const outFile = join(scratch, "out.wasm");
const compiler = join(root, "node_modules/assemblyscript/bin/asc.js");
// No runtime: memory is never given back, and no error is thrown (assembly/memory.ts).
const options = ["-O3", "--runtime", "stub", "--noAssert", "--use", "abort=", "--importMemory", "--outFile", outFile];
const { status } = spawnSync(process.execPath, [compiler, "assembly/index.ts", ...options], {
  cwd: root,
  stdio: "inherit",
});
const code = status === 0 ? readFileSync(outFile) : undefined;
rmSync(scratch, { recursive: true });
if (code === undefined) process.exit(1);

const text = `// Made of assembly/ by \`npm run assembly\`; not to be changed by hand.

/** WebAssembly, as base64. */
export const NUMBERING_BASE64 =
  "${code.toString("base64")}";
`;
if (!process.argv.includes("--check")) writeFileSync(target, text);
else if (readFileSync(target, "utf8") !== text) {
  process.stderr.write("lib/diff/numbering-wasm.ts is not what assembly/ makes: npm run assembly\n");
  process.exitCode = 1;
}
