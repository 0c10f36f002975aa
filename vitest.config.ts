import { configDefaults, defineConfig } from "vitest/config";

/**
 * Killed processes and waiting for them, a browser, hostile input by the million, and what takes its time to compare:
 * `npm run test:thorough` has them, and all sample kernels. What is left to `npm test` takes less than three minutes on
 * two cores.
 */
const SLOW = [
  "test/cli/batch-faults.test.ts",
  "test/cli/batch-objects.test.ts",
  "test/cli/batch-queue.test.ts",
  "test/cli/batch-verify.test.ts",
  "test/cli/diff-modules.test.ts",
  "test/cli/diff-objects.test.ts",
  "test/cli/verify-faults.test.ts",
  "test/diff/hostile.test.ts",
  "test/examples/loader.test.ts",
  "test/examples/machines.test.ts",
  "test/examples/readme.test.ts",
  "test/fuzz/hostile.test.ts",
  "test/minimize/cilium.test.ts",
  "test/oracle/c-header.test.ts",
  "test/oracle/compat-page.test.ts",
  "test/oracle/diff-field.test.ts",
  "test/oracle/diff-impact.test.ts",
  "test/oracle/diff-page.test.ts",
  "test/oracle/dump.test.ts",
  "test/oracle/engine-big-endian.test.ts",
  "test/oracle/engine-cilium.test.ts",
  "test/oracle/engine-random.test.ts",
  "test/oracle/kernel-fields.test.ts",
  "test/oracle/lint-kernel.test.ts",
  "test/oracle/loader-bpftool.test.ts",
  "test/oracle/made-maps.test.ts",
  "test/oracle/minimize-accepted.test.ts",
  "test/oracle/mutants-libbpf.test.ts",
  "test/oracle/padding.test.ts",
  "test/oracle/prepare-big-endian.test.ts",
  "test/oracle/reachable-kernel.test.ts",
  "test/oracle/relocate-libbpf.test.ts",
  "test/oracle/relocate-loaders.test.ts",
  "test/property/diff-kernels.test.ts",
  "test/verify/exhaustive.test.ts",
  "test/vm/qemu.test.ts",
];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/samples.ts"],
    // Minutes of virtual machines, which `npm run test:vm` has the kernels for.
    exclude: [
      ...configDefaults.exclude,
      ...(process.env.BTFGEN_VM_KERNELS === undefined ? ["test/vm-kernels/**"] : []),
      ...(process.env.BTFGEN_THOROUGH === "1" ? [] : SLOW),
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
