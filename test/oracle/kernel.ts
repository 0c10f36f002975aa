/** The running kernel as an oracle for BTF: BPF_BTF_LOAD, many blobs in one process. */
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import type { CpioEntry } from "../../vm/cpio.ts";
import { buildStatic, readBooted } from "./booted.ts";
import { type Built, buildNative } from "./native.ts";
import { describeFailure, runProcess } from "./process.ts";

/** The kernel's verdict. `errno` is 0 and `error` "" when it took the blob; `log` is the end of its verifier's log. */
export interface KernelVerdict {
  readonly ok: boolean;
  readonly errno: number;
  /** The errno's name: "EINVAL", ... */
  readonly error: string;
  readonly log: string;
  /** The reason, the last line of the log: "[1] INT int ... vlen != 0". Empty when accepted. */
  readonly reason: string;
}

const ERRNO_NAMES = new Map<number, string>(Object.entries(constants.errno).map(([name, value]) => [value, name]));
/** Blobs are handed over in batches of about this many bytes, so that memory stays bounded. */
const BATCH_BYTES = 128 << 20;
const LENGTH_BYTES = 4;

/** The C program that does the calls. */
function kernelOracle(): Built {
  return buildNative("btf-load", ["btf-load.c"], []);
}

/** Asks the running kernel about each blob (host byte order, no base: it takes no split BTF from user space). */
export function loadBtfs(blobs: readonly Uint8Array[]): KernelVerdict[] {
  const built = kernelOracle();
  if ("missing" in built) throw new Error(built.missing);
  const verdicts: KernelVerdict[] = [];
  for (let start = 0; start < blobs.length; ) {
    let end = start;
    let bytes = 0;
    do {
      bytes += LENGTH_BYTES + (blobs[end]?.length ?? 0);
      end++;
    } while (end < blobs.length && bytes + (blobs[end]?.length ?? 0) < BATCH_BYTES);
    verdicts.push(...loadBatch(built.path, blobs.slice(start, end)));
    start = end;
  }
  return verdicts;
}

/** {@link loadBtfs} for one blob. */
export function loadBtf(blob: Uint8Array): KernelVerdict {
  const [verdict] = loadBtfs([blob]);
  if (verdict === undefined) throw new Error("the kernel oracle said nothing");
  return verdict;
}

/** {@link loadBtfs} of a kernel in a machine of its own (x86_64, in emulation). */
export function loadBtfsBooted(image: Uint8Array, blobs: readonly Uint8Array[]): KernelVerdict[] {
  const built = buildStatic("btf-load");
  if ("missing" in built) throw new Error(built.missing);
  const questions: CpioEntry = { path: "/questions", kind: "file", bytes: joined(blobs) };
  return readBooted(image, readFileSync(built.path), [questions], (said) => {
    return readVerdicts(Buffer.from(said, "latin1"), blobs.length);
  });
}

function loadBatch(program: string, blobs: readonly Uint8Array[]): KernelVerdict[] {
  const result = runProcess([program], { input: joined(blobs), timeoutMs: 120_000 });
  if (result.code !== 0) throw new Error(`the kernel oracle failed: ${describeFailure(result)}`);
  return readVerdicts(Buffer.from(result.stdout), blobs.length);
}

function joined(blobs: readonly Uint8Array[]): Buffer {
  return Buffer.concat(blobs.flatMap((blob) => [new Uint8Array(Uint32Array.of(blob.length).buffer), blob]));
}

function readVerdicts(out: Buffer, count: number): KernelVerdict[] {
  const verdicts: KernelVerdict[] = [];
  for (let at = 0; at < out.length; ) {
    const errno = hostInt32(out, at);
    const length = hostInt32(out, at + LENGTH_BYTES);
    at += 2 * LENGTH_BYTES;
    const log = out.toString("latin1", at, at + length).trimEnd();
    at += length;
    const reason = log.slice(log.lastIndexOf("\n") + 1);
    verdicts.push({
      ok: errno === 0,
      errno,
      error: errno === 0 ? "" : (ERRNO_NAMES.get(errno) ?? String(errno)),
      log,
      reason,
    });
  }
  if (verdicts.length !== count) throw new Error("the kernel oracle lost count");
  return verdicts;
}

const HOST_IS_LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function hostInt32(bytes: Buffer, at: number): number {
  return HOST_IS_LITTLE ? bytes.readInt32LE(at) : bytes.readInt32BE(at);
}

/** Why the kernel cannot be asked, or undefined when it can: it must take a BTF that is plainly right. */
export function kernelMissing(): string | undefined {
  const built = kernelOracle();
  if ("missing" in built) return built.missing;
  try {
    const verdict = loadBtf(oneInt());
    return verdict.ok ? undefined : `bpf(2) does not load BTF here (${verdict.error}; run as root)`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A well-formed BTF of one `int`, in the host's byte order: header of 24 bytes, one INT record, "\0int\0". */
export function oneInt(): Uint8Array {
  const words = Uint32Array.of(0, 24, 0, 16, 16, 5, 1, 0x0100_0000, 4, 32);
  const head = new Uint8Array(words.buffer);
  head.set(new Uint8Array(Uint16Array.of(0xeb9f).buffer));
  head[2] = 1;
  return Buffer.concat([head, Buffer.from("\0int\0", "latin1")]);
}
