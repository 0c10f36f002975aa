/** What `npm test` leaves to `npm run test:thorough`, and what that runs besides (vitest.config.ts). */

/**
 * Killed processes and waiting for them, a browser, hostile input by the million, and what takes its time to compare.
 * Each has a cheaper sibling in `npm test`, which is to take less than three minutes on two cores.
 */
export const SLOW: readonly string[] = [
  "test/cli/batch-faults.test.ts",
  "test/cli/batch-objects.test.ts",
  "test/cli/batch-queue.test.ts",
  "test/cli/batch-verify.test.ts",
  "test/cli/diff-modules.test.ts",
  "test/cli/diff-objects.test.ts",
  "test/cli/history-modules.test.ts",
  "test/cli/verify-faults.test.ts",
  "test/diff/hostile.test.ts",
  "test/examples/api.test.ts",
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
  "test/oracle/diff-symbols.test.ts",
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

/** What asks more when there is time, of all sample kernels for one: files and directories that look at THOROUGH. */
export const MORE_WHEN_THOROUGH: readonly string[] = [
  "test/btf/distilled.test.ts",
  "test/btf/lint-samples.test.ts",
  "test/cli/extract.test.ts",
  "test/cli/loader.test.ts",
  "test/cli/verify-levels.test.ts",
  "test/corpus/codec/codec.test.ts",
  "test/fuzz/",
  "test/minimize/",
  "test/oracle/",
  "test/property/",
];
