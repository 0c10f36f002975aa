import { configDefaults, defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Minutes of virtual machines, which `npm run test:vm` has the kernels for.
    exclude: [
      ...configDefaults.exclude,
      ...(process.env.BTFGEN_VM_KERNELS === undefined ? ["test/vm-kernels/**"] : []),
      // A minute each of killed processes and waiting for them: `npm run test:thorough` has them.
      ...(process.env.BTFGEN_THOROUGH === "1" ? [] : ["test/cli/batch-faults.test.ts", "test/cli/batch-queue.test.ts"]),
    ],
    // Sequences and seeds are fixed so that a run says the same thing twice.
    sequence: { shuffle: false },
    pool: "forks",
    // Left to itself, vitest keeps one core free, which on a machine of two makes a run twice as long.
    maxWorkers: "100%",
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: { provider: "v8", include: ["lib/**", "checker/**", "vm/**", "cli/**", "api/**", "corpus/**"] },
  },
});
