/** Maps that an object's own program would have made otherwise, or made to stay: as the checker makes them, and what it says. */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import type { VerifyReport } from "../../cli/verify/report.ts";
import { bpfObjects, leftSince } from "../cli/kernel-leftovers.ts";
import { runText } from "../cli/run.ts";
import { workspace } from "../cli/workspace.ts";
import { compileBpf } from "./clang.ts";
import { describeOracle } from "./requirements.ts";

const RUNNING = "/sys/kernel/btf/vmlinux";
const INCLUDE = fileURLToPath(new URL("../fixtures/bpf", import.meta.url));
const FLAGS = ["-D__TARGET_ARCH_x86", `-I${INCLUDE}`, "-Wno-everything"];

/** What stands in a map's declaration, and what is said of it; null for nothing. */
const MAPS: readonly [name: string, members: string, change: string | null][] = [
  [
    "huge",
    "__uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 1 << 24); __type(key, u32); __type(value, struct page);",
    "map huge has 4092 entries instead of 16777216",
  ],
  [
    "per_cpu",
    "__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 100000); __type(key, u32); __type(value, struct page);",
    "map per_cpu has MOST entries instead of 100000",
  ],
  [
    "pinned",
    "__uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __uint(pinning, 1); __type(key, u32); __type(value, u64);",
    "map pinned is not pinned",
  ],
  [
    "open",
    "__uint(type, BPF_MAP_TYPE_HASH); __type(key, u32); __type(value, u64);",
    "map open is given 1 entry: its program sets their number",
  ],
  ["ring", "__uint(type, BPF_MAP_TYPE_RINGBUF);", "map ring is given 65536 bytes: its program sets their number"],
  [
    "stacks",
    "__uint(type, BPF_MAP_TYPE_STACK_TRACE); __uint(key_size, 4); __uint(max_entries, 16);",
    "map stacks is given values of 1016 bytes: its program sets their size",
  ],
  ["events", "__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4);", null],
  [
    "of_tasks",
    "__uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, 1); __type(key, int); __type(value, struct page);",
    null,
  ],
  [
    "of_maps",
    "__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 2); __type(key, u32); __array(values, struct inner);",
    null,
  ],
];
const SOURCE = `#include "core.h"
enum { BPF_MAP_TYPE_STACK_TRACE = 7, BPF_MAP_TYPE_ARRAY_OF_MAPS = 12 };
struct page { u64 words[511]; };
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, u32); __type(value, u64); };
${MAPS.map(([name, members]) => `struct { ${members} } ${name} SEC(".maps");`).join("\n")}
static u32 key = 3;
SEC("raw_tp/sched_switch") int first(void *ctx)
{
	struct page *page = bpf_map_lookup_elem(&huge, &key), *own = bpf_map_lookup_elem(&per_cpu, &key);
	return page && own ? page->words[510] + own->words[510] : 0;
}
SEC("raw_tp/sched_switch") int second(void *ctx)
{
	u64 *kept = bpf_map_lookup_elem(&pinned, &key), *held = bpf_map_lookup_elem(&open, &key);
	return kept && held ? *kept + *held : 0;
}
LICENSE;
`;

/** Such maps were for libbpf before 1.0. */
const LEGACY = `#include "core.h"
struct { u32 type, key_size, value_size, max_entries; } old SEC("maps") = { 1, 4, 4, 4 };
SEC("raw_tp/sched_switch") int one(void *ctx) { return 0; }
SEC("raw_tp/sched_switch") int two(void *ctx) { return 0; }
LICENSE;
`;

describeOracle("an object's maps on the running kernel", ["clang", "libbpf", "bpf", "bpftool"], () => {
  const { directory, put } = workspace();

  it("are made small, unpinned and with what is missing, which is said", async () => {
    const object = put("maps.o", compileBpf(SOURCE, "bpfel", FLAGS));
    const small = join(directory, "vmlinux.btf");
    copyFileSync(RUNNING, small);
    const before = bpfObjects();
    const line = ["verify", small, "--full", RUNNING, object, "--kernel", "host"];
    const { stdout, stderr } = await runText([...line, "--json"]);
    const { kernel, level } = JSON.parse(stdout || "null") as VerifyReport;
    expect({ level, counts: kernel?.counts, broken: kernel?.broken }, stderr).toEqual({
      level: "kernel",
      counts: { accepted: 2, "not-tested": 0, failed: 0 },
      broken: [],
    });
    expect(kernel?.together).toMatchObject([{ verdict: "accepted" }]);
    const changes = kernel?.mapChanges.map(({ change }) => change.replace(/(map per_cpu has )\d+/, "$1MOST")) ?? [];
    expect(changes.sort()).toEqual(MAPS.flatMap(([, , change]) => change ?? []).sort());
    expect(await leftSince(before)).toEqual([]);
    expect((await runText(line)).stdout).toContain(`${object}: map pinned is not pinned\n`);
  });

  it("of a kind that libbpf reads no more leave every program of the object untested, and counted so", async () => {
    const legacy = put("legacy.o", compileBpf(LEGACY, "bpfel", FLAGS));
    const exec = fileURLToPath(new URL("../fixtures/objects/exec.o", import.meta.url));
    const line = ["verify", RUNNING, "--full", RUNNING, legacy, exec, "--kernel", "host"];
    const { stdout, code } = await runText(line);
    expect(code).toBe(0);
    expect(stdout).toMatch(/legacy\.o: one, two: not tested by this kernel: object: elf: legacy map definitions/);
    expect(stdout).toMatch(/\nkernel \S+: 1 accepted, 2 not tested, 0 failed\n/);
  });
});
