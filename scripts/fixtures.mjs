// @ts-check
// SPDX-License-Identifier: MIT
/**
 * Builds the BPF objects of test/fixtures from their sources, and the manifest that describes them.
 *
 *   npm run fixtures              rebuild everything
 *   npm run fixtures -- --check   build beside it and compare; exit 1 where a committed file differs
 *
 * The files are committed so that tests need no compiler. Compilers of another version give other bytes: --check then
 * compares only what the present tools can reproduce, and says what it left out and why.
 */
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { $ } from "zx";
import { defectRecipes } from "./fixtures/defects.mjs";
import { goEmbedLike } from "./fixtures/embed.mjs";
import { describeObject } from "./fixtures/relocations.mjs";

$.verbose = false;

const FIXTURES = join(dirname(fileURLToPath(import.meta.url)), "..", "test", "fixtures");
const MANIFEST = "manifest.json";

/**
 * @typedef {object} Recipe
 * @property {string} file output, relative to test/fixtures
 * @property {string[]} sources inputs, relative to test/fixtures
 * @property {string[]} tools whose versions decide the bytes
 * @property {string} [target] of a compiler
 * @property {string} [cpu] of a compiler
 * @property {boolean} [object] false for a file that only carries objects
 * @property {string} [unstable] why two builds give different bytes; such a file is kept as it is until it is deleted
 * @property {(out: string, dir: string) => Promise<void>} make
 */

/** The first line of a tool's version, or undefined where it is not installed. @type {Map<string, string | undefined>} */
const versions = new Map();

/** @param {string} tool */
async function versionOf(tool) {
  if (!versions.has(tool)) {
    const result = await $({ nothrow: true })`${tool} ${tool === "bpftool" ? "version" : "--version"}`;
    const line = result.stdout.split("\n").find((l) => /\d+\.\d+/.test(l));
    versions.set(tool, result.exitCode === 0 ? line?.trim() : undefined);
  }
  return versions.get(tool);
}

/**
 * Compiles one BPF program.
 * @param {string} source absolute
 * @param {string} out absolute
 * @param {{ clang: number, target: "bpf" | "bpfeb", cpu: string }} how
 */
async function compile(source, out, { clang, target, cpu }) {
  // A big-endian program is one for s390x; that decides where a kprobe finds its arguments.
  const arch = target === "bpf" ? "x86" : "s390";
  // Line information names files: the prefix maps keep this machine's paths out of the object.
  const maps = [`-ffile-prefix-map=${FIXTURES}/=`, "-fdebug-compilation-dir=."];
  const flags = ["-g", "-O2", "-Wall", "-Werror", "-Wno-unused-function", `-D__TARGET_ARCH_${arch}`, ...maps];
  const include = `-I${join(FIXTURES, "bpf")}`;
  await $`clang-${clang} -target ${target} -mcpu=${cpu} ${flags} ${include} -c ${source} -o ${out}`;
  await $`llvm-strip-${clang} -g ${out}`;
}

/**
 * @param {string} source
 * @param {{ clang?: number, target?: "bpf" | "bpfeb", cpu?: string, suffix?: string }} [how]
 * @returns {Recipe}
 */
function compiled(source, { clang = 16, target = "bpf", cpu = "v3", suffix = "" } = {}) {
  const name = basename(source, ".bpf.c");
  return {
    file: `${target === "bpf" ? "objects" : "objects-be"}/${name}${suffix}.o`,
    sources: [`bpf/${source}`],
    tools: [`clang-${clang}`, `llvm-strip-${clang}`],
    target,
    cpu,
    make: (out) => compile(join(FIXTURES, "bpf", source), out, { clang, target, cpu }),
  };
}

/** @returns {Promise<Recipe[]>} in an order in which what is needed comes first */
async function recipes() {
  const sources = (await readdir(join(FIXTURES, "bpf"))).filter((f) => f.endsWith(".bpf.c")).sort();
  return [
    ...sources.map((source) => compiled(source)),
    ...sources.map((source) => compiled(source, { target: "bpfeb" })),
    compiled("exec.bpf.c", { cpu: "v2", suffix: ".v2" }),
    compiled("bitfields.bpf.c", { cpu: "v2", suffix: ".v2" }),
    ...["instructions", "bitfields", "struct_ops", "enums", "types"].map((name) =>
      compiled(`${name}.bpf.c`, { clang: 19, cpu: "v4", suffix: ".v4" }),
    ),
    compiled("instructions.bpf.c", { clang: 19, cpu: "v4", suffix: ".v4", target: "bpfeb" }),
    {
      file: "objects/linked.o",
      sources: ["objects/link_first.o", "objects/link_second.o"],
      tools: ["bpftool"],
      target: "bpf",
      async make(out, dir) {
        await $`bpftool gen object ${out} ${join(dir, "objects/link_first.o")} ${join(dir, "objects/link_second.o")}`;
      },
    },
    {
      file: "objects/no_btf_ext.o",
      sources: ["objects/exec.o"],
      tools: ["llvm-objcopy-16"],
      target: "bpf",
      async make(out, dir) {
        const gone = ["-R", ".BTF.ext", "-R", ".rel.BTF.ext"];
        await $`llvm-objcopy-16 ${gone} ${join(dir, "objects/exec.o")} ${out}`;
      },
    },
    {
      file: "objects/no_btf.o",
      sources: ["objects/no_core.o"],
      tools: ["llvm-objcopy-16"],
      target: "bpf",
      async make(out, dir) {
        const gone = ["-R", ".BTF.ext", "-R", ".rel.BTF.ext", "-R", ".BTF", "-R", ".rel.BTF"];
        await $`llvm-objcopy-16 ${gone} ${join(dir, "objects/no_core.o")} ${out}`;
      },
    },
    {
      file: "objects/sched_gcc.o",
      sources: ["gcc/sched_gcc.bpf.c"],
      tools: ["bpf-gcc"],
      target: "bpf",
      cpu: "v3",
      unstable: "GCC 12 orders the records of .BTF.ext by memory addresses",
      async make(out) {
        const flags = ["-gbtf", "-mco-re", "-O2", "-mcpu=v3", "-S"];
        const gcc = join(FIXTURES, "gcc");
        const assembly = await $({ cwd: gcc })`bpf-gcc ${flags} sched_gcc.bpf.c -o -`;
        // The option that maps prefixes of file names does not reach GCC's BTF; string offsets are already fixed, so
        // what replaces the directory is as long.
        await $({ input: assembly.stdout.replaceAll(gcc, "gcc".padEnd(gcc.length, "/")) })`bpf-as -o ${out} -`;
      },
    },
    {
      file: "embedded/skeleton",
      sources: ["embedded/skeleton.c", "objects/exec.o", "objects/lsm_exec.o"],
      tools: ["bpftool", "gcc"],
      object: false,
      async make(out, dir) {
        const work = await mkdtemp(join(tmpdir(), "skeleton-"));
        try {
          for (const name of ["exec", "lsm_exec"]) {
            const header = await $`bpftool gen skeleton ${join(dir, "objects", `${name}.o`)} name ${name}`;
            await writeFile(join(work, `${name}.skel.h`), header.stdout);
          }
          await cp(join(FIXTURES, "embedded/skeleton.c"), join(work, "skeleton.c"));
          await $({ cwd: work })`gcc -Os -s -o ${out} skeleton.c -lbpf`;
        } finally {
          await rm(work, { recursive: true });
        }
      },
    },
    {
      file: "embedded/go-embed",
      sources: ["objects/tcp_connect.o", "objects-be/tcp_connect.o"],
      tools: [],
      object: false,
      async make(out, dir) {
        const objects = ["objects/tcp_connect.o", "objects-be/tcp_connect.o"].map((f) => readFile(join(dir, f)));
        await writeFile(out, goEmbedLike(await Promise.all(objects)));
      },
    },
    ...(await defectRecipes(FIXTURES, (source, out, target) => compile(source, out, { clang: 16, target, cpu: "v3" }))),
  ];
}

/**
 * @param {Recipe} recipe
 * @param {string} dir where its output lies
 */
async function manifestEntry(recipe, dir) {
  const bytes = await readFile(join(dir, recipe.file));
  const base = { file: recipe.file, sources: recipe.sources, bytes: bytes.length };
  /** @type {Record<string, string>} */
  const tools = {};
  for (const tool of recipe.tools) {
    tools[tool] = (await versionOf(tool)) ?? "";
  }
  if (recipe.object === false) {
    return { ...base, tools };
  }
  const { btf, btfExt, codeSections, total, byKind } = describeObject(bytes);
  const { target, cpu } = recipe;
  return { ...base, target, cpu, tools, btf, btfExt, codeSections, relocations: { total, byKind } };
}

/**
 * Builds what the tools here can build into `dir`; elsewhere the reason is recorded.
 * @param {Recipe[]} all
 * @param {string} dir
 * @param {Map<string, string>} reasons
 */
async function build(all, dir, reasons) {
  for (const recipe of all) {
    const missing = [];
    for (const tool of recipe.tools) {
      if ((await versionOf(tool)) === undefined) {
        missing.push(tool);
      }
    }
    if (missing.length > 0) {
      reasons.set(recipe.file, `not installed: ${missing.join(", ")}`);
      continue;
    }
    await mkdir(dirname(join(dir, recipe.file)), { recursive: true });
    if (recipe.unstable !== undefined && existsSync(join(dir, recipe.file))) {
      reasons.set(recipe.file, recipe.unstable);
      continue;
    }
    await recipe.make(join(dir, recipe.file), dir);
  }
}

/** @param {Recipe[]} all */
async function check(all) {
  const dir = await mkdtemp(join(tmpdir(), "fixtures-"));
  /** @type {Map<string, string>} */
  const reasons = new Map();
  const manifest = JSON.parse(await readFile(join(FIXTURES, MANIFEST), "utf8"));
  /** @type {Map<string, Record<string, unknown>>} */
  const committed = new Map(
    [...manifest.objects, ...manifest.others].map((/** @type {{ file: string }} */ o) => [o.file, o]),
  );
  let wrong = 0;
  try {
    // Outputs that other recipes read are the committed ones, so that one missing tool spoils only its own files.
    for (const part of ["objects", "objects-be"]) {
      await cp(join(FIXTURES, part), join(dir, part), { recursive: true });
    }
    await build(all, dir, reasons);
    for (const recipe of all) {
      const entry = committed.get(recipe.file);
      for (const [tool, version] of Object.entries(entry?.tools ?? {})) {
        if ((await versionOf(tool)) !== undefined && (await versionOf(tool)) !== version) {
          reasons.set(recipe.file, `made with ${version}, here is ${await versionOf(tool)}`);
        }
      }
      if (reasons.has(recipe.file)) {
        continue;
      }
      const same = Buffer.compare(await readFile(join(FIXTURES, recipe.file)), await readFile(join(dir, recipe.file)));
      const described = JSON.stringify(await manifestEntry(recipe, dir)) === JSON.stringify(entry);
      if (same !== 0 || !described) {
        wrong++;
        console.error(`${recipe.file}: ${same !== 0 ? "differs from what its sources give" : `not as in ${MANIFEST}`}`);
      }
    }
  } finally {
    await rm(dir, { recursive: true });
  }
  for (const [file, reason] of reasons) {
    console.error(`${file}: not compared (${reason})`);
  }
  console.log(`fixtures: ${all.length - wrong - reasons.size} as built, ${wrong} differ, ${reasons.size} not compared`);
  return wrong === 0 ? 0 : 1;
}

/** @param {Recipe[]} all */
async function rebuild(all) {
  /** @type {Map<string, string>} */
  const reasons = new Map();
  await build(all, FIXTURES, reasons);
  for (const [file, reason] of reasons) {
    console.error(`${file}: not built (${reason})`);
  }
  if (!all.every((recipe) => recipe.unstable !== undefined || !reasons.has(recipe.file))) {
    console.error("the manifest is not written: it would mix files of two builds");
    return 3;
  }
  const entries = await Promise.all(all.map((recipe) => manifestEntry(recipe, FIXTURES)));
  const objects = entries.filter((_, i) => all[i]?.object !== false);
  const others = entries.filter((_, i) => all[i]?.object === false);
  await writeFile(join(FIXTURES, MANIFEST), `${JSON.stringify({ objects, others }, null, 2)}\n`);
  await $`npx biome format --write ${join(FIXTURES, MANIFEST)}`;
  console.log(`fixtures: ${objects.length} objects, ${others.length} other files`);
  return 0;
}

const all = await recipes();
process.exitCode = process.argv.includes("--check") ? await check(all) : await rebuild(all);
