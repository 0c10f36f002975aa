import { configDefaults, defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Minutes of virtual machines, which `npm run test:vm` has the kernels for.
    exclude: [
      ...configDefaults.exclude,
      ...(process.env.BTFGEN_VM_KERNELS === undefined ? ["test/vm-kernels/**"] : []),
    ],
    // Sequences and seeds are fixed so that a run says the same thing twice.
    sequence: { shuffle: false },
    pool: "forks",
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: { provider: "v8", include: ["lib/**", "checker/**", "vm/**", "cli/**", "api/**", "corpus/**"] },
  },
});
