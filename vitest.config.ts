import { configDefaults, defineConfig } from "vitest/config";
import { MORE_WHEN_THOROUGH, SLOW } from "./test/slow.ts";

const THOROUGH = process.env.BTFGEN_THOROUGH === "1";
// Minutes of virtual machines, which `npm run test:vm` has the kernels for.
const MACHINES = process.env.BTFGEN_VM_KERNELS === undefined ? ["test/vm-kernels/**"] : [];
const INCLUDE = (THOROUGH ? [...MORE_WHEN_THOROUGH, ...SLOW] : ["test/"]).map((path) =>
  path.endsWith("/") ? `${path}**/*.test.ts` : path,
);
const EXCLUDE = [...configDefaults.exclude, ...MACHINES, ...(THOROUGH ? [] : SLOW)];

/** They put other modules in the place of ours, which must not be there for anybody else. */
const MOCKING = ["test/corpus/bundle/encoders.test.ts"];

/** Who watches sources, or counts which lines ran, needs vitest to know them. */
const NATIVE = process.argv.includes("run") && !process.argv.some((arg) => arg.startsWith("--coverage"));
const SOURCES = /^(?!.*\/(?:node_modules|test)\/).*\/(?:api|lib|checker|vm|cli|corpus)\/.*\.ts$/;
const BY_NODE = {
  execArgv: ["--import", new URL("./test/typescript.mjs", import.meta.url).href],
  server: { deps: { external: [SOURCES] } },
};

export default defineConfig({
  test: {
    globalSetup: ["test/scratch.ts", "test/samples.ts"],
    // Sequences and seeds are fixed so that a run says the same thing twice.
    sequence: { shuffle: false },
    pool: "forks",
    // Left to itself, vitest keeps one core free, which on a machine of two makes a run twice as long.
    maxWorkers: "100%",
    // On the clock, against what hangs: bounds on work are in processor time (test/cpu-time.ts).
    testTimeout: 60_000,
    hookTimeout: 120_000,
    coverage: { provider: "v8", include: ["lib/**", "checker/**", "vm/**", "cli/**", "api/**", "corpus/**"] },
    projects: [
      {
        extends: true,
        test: {
          name: "shared",
          include: INCLUDE,
          exclude: [...EXCLUDE, ...MOCKING],
          // Modules keep no state worth a process for each file, whose start and imports take as long as most files' tests.
          isolate: false,
          // Left to Node: what vitest makes of a module runs at a quarter of its speed.
          ...(NATIVE ? BY_NODE : {}),
        },
      },
      { extends: true, test: { name: "mocking", include: THOROUGH ? [] : MOCKING, exclude: EXCLUDE } },
    ],
  },
});
