/** Damaged objects: whatever the bytes are, the engine answers or throws a FormatError, and soon. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../lib/btf/error.ts";
import { parseBtf } from "../../lib/btf/parse.ts";
import { applyRecords } from "../../lib/core/apply.ts";
import { indexCandidates } from "../../lib/core/candidates.ts";
import { parseBpfObject } from "../../lib/core/object.ts";
import { resolveObject } from "../../lib/core/resolve.ts";
import { KERNEL_RULES } from "../../lib/core/rules.ts";
import { lineLookup } from "../../lib/core/source-line.ts";
import { btfSectionsOf } from "../../lib/elf/btf-section.ts";
import { openElf } from "../../lib/elf/elf.ts";
import { objectBytes } from "../core/object-builder.ts";
import { type Random, randomFrom, randomPair } from "../core/random-types.ts";
import { cpuMilliseconds } from "../cpu-time.ts";
import { THOROUGH } from "../samples.ts";

const FIXTURES = new URL("../fixtures/objects/", import.meta.url);
const NAMES = ["types.o", "bitfields.o", "enums.o", "flexible.o", "linked.o", "sched_gcc.o"];
const TARGETS = new URL("../fixtures/defects/", import.meta.url);
const CASES = THOROUGH ? 400 : 150;
/** The slowest case, with a machine that does something else at the same time. */
const MOST_MS = 2_000;

/** All of the engine, on bytes that may be anything. The number of records, or the error it gives up with. */
function run(object: Uint8Array, target: Uint8Array): number | FormatError {
  try {
    const parsed = parseBpfObject(object);
    const index = indexCandidates(parseBtf(target));
    const records = resolveObject(parsed, index, { evidence: true });
    resolveObject(parsed, index, { rules: KERNEL_RULES });
    const lineOf = lineLookup(parsed);
    for (const { relocation } of records) lineOf(relocation);
    applyRecords(parsed, records);
    return records.length;
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
}

/** Runs a case and says what came of it; the time it took must be bounded. */
function timed(object: Uint8Array, target: Uint8Array): "answer" | "error" {
  const start = cpuMilliseconds();
  const outcome = run(object, target);
  expect(cpuMilliseconds() - start).toBeLessThan(MOST_MS);
  if (typeof outcome === "number") return "answer";
  expect(outcome.message).not.toContain("\n");
  return "error";
}

/** One to eight words or bytes of a range are something else. */
function damage(random: Random, bytes: Uint8Array, from: number, length: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let i = 1 + random(8); i > 0; i--) {
    const at = from + random(length);
    if (random(2) === 0) bytes[at] = random(256);
    else if (at + 4 <= from + length) view.setUint32(at, random(3) === 0 ? random(2 ** 32) : random(64), true);
  }
}

/** Where the sections lie that the engine reads, code included. */
function ranges(bytes: Uint8Array): [from: number, length: number][] {
  return openElf(bytes)
    .sections.filter(({ name, size }) => size > 0 && !name.startsWith(".debug"))
    .map(({ offset, size }) => [offset, size]);
}

const targets = readdirSync(TARGETS, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => new Uint8Array(readFileSync(new URL(`${entry.name}/${targetName(entry.name)}`, TARGETS))));

function targetName(directory: string): string {
  const names = readdirSync(new URL(`${directory}/`, TARGETS));
  return names.find((name) => name === "target.btf") ?? names.find((name) => name.endsWith(".btf")) ?? "";
}

describe("objects with damage in one section", () => {
  it.each(NAMES)("%s", (name) => {
    const good = new Uint8Array(readFileSync(new URL(name, FIXTURES)));
    const random = randomFrom(name.length * 7919);
    const places = ranges(good);
    const outcomes = { answer: 0, error: 0 };
    for (let i = 0; i < CASES; i++) {
      const bytes = good.slice();
      const [from, length] = places[random(places.length)] ?? [0, bytes.length];
      damage(random, bytes, from, length);
      outcomes[timed(bytes, targets[random(targets.length)] as Uint8Array)]++;
    }
    // Both happen, or the damage was of the wrong sort.
    expect(outcomes.answer).toBeGreaterThan(CASES / 20);
    expect(outcomes.error).toBeGreaterThan(CASES / 20);
  });
});

describe("random types with damage on both sides", () => {
  it.each([1, 2, 3])("seed %i", (seed) => {
    const { target, rows, programs } = randomPair(seed, 120, 60);
    const good = objectBytes({ rows, programs });
    const btf = btfSectionsOf(openElf(good)).btf as Uint8Array;
    const from = btf.byteOffset - good.byteOffset;
    const random = randomFrom(seed);
    const outcomes = { answer: 0, error: 0 };
    for (let i = 0; i < CASES; i++) {
      const bytes = good.slice();
      const damaged = target.slice();
      if (random(2) === 0) damage(random, bytes, from, btf.length);
      else damage(random, damaged, 0, damaged.length);
      outcomes[timed(bytes, damaged)]++;
    }
    expect(outcomes.answer).toBeGreaterThan(CASES / 20);
    expect(outcomes.error).toBeGreaterThan(CASES / 20);
  });
});
