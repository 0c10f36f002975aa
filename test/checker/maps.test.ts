import { describe, expect, it } from "vitest";
import { adjustMaps, type MapRoom } from "../../checker/adjust-maps.ts";
import type { Libbpf } from "../../checker/libbpf.ts";

interface FakeMap {
  type: number;
  key: number;
  value: number;
  entries: number;
  internal?: boolean;
  pin?: string | null;
}

const HASH = 1;
const PERF_EVENT_ARRAY = 4;
const PERCPU_HASH = 5;
const STACK_TRACE = 7;
const TASK_STORAGE = 29;
const RINGBUF = 27;
const ARENA = 33;

function adjusted(map: FakeMap, room: MapRoom = "enough", processors = 4): { map: FakeMap; changes: string[] } {
  const own = { pin: null, internal: false, ...map };
  const of = (one: unknown) => one as typeof own;
  const libbpf = {
    maps: () => [own],
    map: {
      name: () => "m",
      type: (one: unknown) => of(one).type,
      keySize: (one: unknown) => of(one).key,
      valueSize: (one: unknown) => of(one).value,
      maxEntries: (one: unknown) => of(one).entries,
      isInternal: (one: unknown) => of(one).internal,
      pinPath: (one: unknown) => of(one).pin,
      clearPinPath: (one: unknown) => {
        of(one).pin = null;
      },
      setMaxEntries: (one: unknown, entries: number) => {
        of(one).entries = entries;
      },
      setValueSize: (one: unknown, bytes: number) => {
        of(one).value = bytes;
      },
    },
  } as unknown as Libbpf;
  return { changes: adjustMaps(libbpf, {}, room, processors), map: own };
}

describe("adjustMaps", () => {
  it.each<[string, FakeMap, Partial<FakeMap>, string[]]>([
    ["leaves a small map", { type: HASH, key: 4, value: 8, entries: 1024 }, { entries: 1024 }, []],
    [
      "makes a huge map small",
      { type: HASH, key: 4, value: 4092, entries: 1_000_000 },
      { entries: 4084 },
      ["map m has 4084 entries instead of 1000000"],
    ],
    [
      "counts each processor's values",
      { type: PERCPU_HASH, key: 4, value: 4096, entries: 10_000 },
      { entries: 1023 },
      ["map m has 1023 entries instead of 10000"],
    ],
    [
      "gives entries to a map whose program would",
      { type: HASH, key: 4, value: 4, entries: 0 },
      { entries: 1 },
      ["map m is given 1 entry: its program sets their number"],
    ],
    [
      "gives a ring a size that a ring can have",
      { type: RINGBUF, key: 0, value: 0, entries: 0 },
      { entries: 65_536 },
      ["map m is given 65536 bytes: its program sets their number"],
    ],
    [
      "gives stacks a size",
      { type: STACK_TRACE, key: 4, value: 0, entries: 10 },
      { value: 1016, entries: 10 },
      ["map m is given values of 1016 bytes: its program sets their size"],
    ],
    ["leaves libbpf's own number to it", { type: PERF_EVENT_ARRAY, key: 4, value: 4, entries: 0 }, { entries: 0 }, []],
    ["leaves storage without entries", { type: TASK_STORAGE, key: 4, value: 8, entries: 0 }, { entries: 0 }, []],
    ["leaves an arena's pages", { type: ARENA, key: 0, value: 0, entries: 1 << 20 }, { entries: 1 << 20 }, []],
    [
      "leaves the object's own data",
      { type: HASH, key: 4, value: 1 << 26, entries: 1, internal: true },
      { entries: 1 },
      [],
    ],
    [
      "pins nothing",
      { type: HASH, key: 4, value: 4, entries: 1, pin: "/sys/fs/bpf/m" },
      { pin: null },
      ["map m is not pinned"],
    ],
  ])("%s", (_, map, after, changes) => {
    const result = adjusted(map);
    expect(result.changes).toEqual(changes);
    expect(result.map).toMatchObject(after);
  });

  it("makes do with the least", () => {
    expect(adjusted({ type: HASH, key: 4, value: 4, entries: 10 }, "least").map.entries).toBe(1);
    expect(adjusted({ type: RINGBUF, key: 0, value: 0, entries: 1 << 20 }, "least").map.entries).toBe(1 << 16);
  });
});
