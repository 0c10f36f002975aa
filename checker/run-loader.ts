/** Runs a loader program: makes the map of its data, loads it, has the kernel run it, and looks at what it has made. */
import { createHash } from "node:crypto";
import { closeSync, readFileSync } from "node:fs";
import { release } from "node:os";
import {
  CREATE,
  FREEZE,
  LOAD,
  LOAD_ATTEMPTS,
  MAP_CREATE,
  MAP_FREEZE,
  MAP_UPDATE,
  PROG_LOAD,
  UPDATE,
} from "../lib/loader/attributes.ts";
import { CONTEXT } from "../lib/loader/loader.ts";
import { madeUpSetting } from "../lib/loader/settings.ts";
import { EAGAIN } from "../lib/verify/errno.ts";
import { ATTR_BYTES, type BpfCall, endOfLog, LOG_BYTES } from "./kernel.ts";
import type { CreatedObject, LoaderLine, RunLoaderRequest, RunStage } from "./loader-protocol.ts";
import { CStruct, cString, HOST_LITTLE_ENDIAN, type Koffi, textIn } from "./native.ts";

/** enum bpf_cmd, those that a loader program does not issue. */
const PROG_TEST_RUN = 10;
const OBJ_GET_INFO_BY_FD = 15;

const MAP_TYPE_ARRAY = 2;
const PROG_TYPE_SYSCALL = 31;
/** A loader program may wait: BPF_F_SLEEPABLE. */
const SLEEPABLE = 1 << 4;
const LICENSE = "Dual MIT/GPL";
const INSN_BYTES = 8;

/** Fields of union bpf_attr: of the map of signed data, of a signed loader; of a run, of what is asked of a descriptor. */
const EXCLUSIVE = { hash: 80, bytes: 88 } as const;
const SIGNED = { fdCount: 148, signature: 152, bytes: 160, keyring: 164 } as const;
/** struct bpf_map_info: that it is asked for makes the kernel compute it. */
const MAP_HASH = { hash: 88, bytes: 96 } as const;
const MAP_INFO_BYTES = 104;
const SHA256_BYTES = 32;
/** KEY_SPEC_SESSION_KEYRING */
const SESSION_KEYRING = -3;
const ENOSYS = 38;
/** `__NR_add_key` by Node's name of the architecture. */
const ADD_KEY: Readonly<Record<string, number>> = {
  x64: 248,
  arm64: 217,
  riscv64: 217,
  loong64: 217,
  s390x: 278,
  ppc64: 269,
};
const RUN = { program: 0, result: 4, contextSize: 40, context: 48 } as const;
const INFO = { fd: 0, length: 4, info: 8 } as const;
/** struct bpf_map_info, struct bpf_prog_info. */
const INFO_BYTES = 232;
const MAP_INFO = { type: 0, id: 4, keySize: 8, valueSize: 12, maxEntries: 16, flags: 20, name: 24 } as const;
const PROGRAM_INFO = { type: 0, id: 4, tag: 8, name: 64, verified: 216 } as const;
const NAME_BYTES = 16;
const TAG_BYTES = 8;
const POSSIBLE_CPUS = "/sys/devices/system/cpu/possible";

/** Runs it, and again for each log: of what failed, or of what is asked for. All that it makes is closed. */
export function runLoader(koffi: Koffi, bpf: BpfCall, request: RunLoaderRequest): LoaderLine {
  const first = runRepeated(koffi, bpf, request, null);
  const level = Math.max(request.logLevel, 1);
  if (first.failed === null) {
    const steps = request.logLevel === 0 ? [] : request.logSteps;
    return { ...first, logs: steps.flatMap((step) => runRepeated(koffi, bpf, request, { level, step }).logs) };
  }
  const { stage, step } = first.failed;
  if (stage !== "run" && stage !== "load") return first;
  const again = runRepeated(koffi, bpf, request, { level, step });
  // What fails now for want of room in the log is no news.
  return again.failed === null ? again : { ...again, failed: first.failed };
}

/** Which step's log is wanted; 0 for that of the loader program's own verification. */
interface WantedLog {
  readonly level: number;
  readonly step: number;
}

/**
 * A program that it loads may be the one that a signal comes between: see LOAD_ATTEMPTS. It leaves nothing behind then.
 * (Its own loading is tried again by BpfCall.)
 */
function runRepeated(koffi: Koffi, bpf: BpfCall, request: RunLoaderRequest, wanted: WantedLog | null): LoaderLine {
  for (let attempt = 1; ; attempt++) {
    const line = runOnce(koffi, bpf, request, wanted);
    const { stage, errno } = line.failed ?? {};
    if (stage !== "run" || errno !== EAGAIN || attempt === LOAD_ATTEMPTS) return line;
  }
}

function runOnce(koffi: Koffi, bpf: BpfCall, request: RunLoaderRequest, wanted: WantedLog | null): LoaderLine {
  const open: number[] = [];
  const log = Buffer.alloc(wanted === null ? 0 : LOG_BYTES);
  const who = { type: "loader", kernel: release(), arch: process.arch, cannot: null } as const;
  const answer = (failed: LoaderLine["failed"], created: CreatedObject[]): LoaderLine => {
    const text = endOfLog(textIn(log));
    return { ...who, failed, logs: wanted === null || text === "" ? [] : [{ step: wanted.step, text }], created };
  };
  const fail = (stage: RunStage, result: number, step = 0) => answer({ stage, errno: -result, step }, []);
  try {
    const code = readFileSync(request.instructions);
    const { signature } = request;
    if (signature !== null && signature.certificate !== null) {
      const added = addKey(koffi, Buffer.from(signature.certificate, "base64"));
      if (added < 0) return fail("add key", added);
    }
    const map = bpf(MAP_CREATE, dataMap(koffi, request.dataSize, signature === null ? null : code));
    if (map < 0) return fail("create data", map);
    open.push(map);
    const filled = bpf(MAP_UPDATE, dataUpdate(koffi, map, dataOf(request)));
    if (filled < 0) return fail("fill data", filled);
    const freeze = new CStruct(koffi, ATTR_BYTES);
    freeze.setU32(FREEZE.map, map);
    const frozen = bpf(MAP_FREEZE, freeze);
    if (frozen < 0) return fail("freeze data", frozen);
    const hashed = signature?.scheme === "hash" ? bpf(OBJ_GET_INFO_BY_FD, hashRequest(koffi, map)) : 0;
    if (hashed < 0) return fail("hash data", hashed);
    const own = wanted?.step === 0 ? { level: wanted.level, log } : null;
    const program = bpf(PROG_LOAD, programLoad(koffi, map, code, own, signature));
    if (program < 0) return fail("load", program);
    open.push(program);

    const context = new CStruct(koffi, request.contextSize);
    if (wanted !== null && wanted.step !== 0) {
      context.setU32(CONTEXT.logLevel, wanted.level);
      context.setU32(CONTEXT.logSize, log.length);
      context.setPointer(CONTEXT.log, log);
      context.setU32(CONTEXT.step, wanted.step);
    }
    const run = new CStruct(koffi, ATTR_BYTES);
    run.setU32(RUN.program, program);
    run.setU32(RUN.contextSize, request.contextSize);
    run.setPointer(RUN.context, context.bytes);
    const ran = bpf(PROG_TEST_RUN, run);
    if (ran < 0) return fail("run", ran);
    const result = run.u32(RUN.result) | 0;
    if (result < 0) return fail("run", result, context.u32(CONTEXT.step));
    const found = request.descriptors.map(({ kind, at }) => ({ kind, fd: context.u32(at) | 0 }));
    open.push(...found.map(({ fd }) => fd));
    return answer(
      null,
      found.map(({ kind, fd }) => describe(koffi, bpf, kind, fd)),
    );
  } finally {
    for (const fd of open) if (fd >= 0) closeSync(fd);
  }
}

/** The data with what only this machine knows written into it. */
function dataOf({ data, dataSize, perCpu, settings }: RunLoaderRequest): Buffer {
  const bytes = Buffer.alloc(dataSize);
  readFileSync(data).copy(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const at of perCpu) view.setUint32(at, possibleCpus(), HOST_LITTLE_ENDIAN);
  for (const { name, at, size } of settings) {
    const value = madeUpSetting(name, { release: release(), arch: process.arch });
    if (value === null) continue;
    for (let i = 0; i < Math.min(size, 4); i++) {
      bytes[at + (HOST_LITTLE_ENDIAN ? i : size - 1 - i)] = (value >>> (8 * i)) & 0xff;
    }
  }
  return bytes;
}

/** `0-7` are eight. */
function possibleCpus(): number {
  const last = /(\d+)\s*$/.exec(readFileSync(POSSIBLE_CPUS, "utf8"))?.[1];
  return last === undefined ? 1 : Number(last) + 1;
}

/** `exclusiveTo`: the code of the only program that may use it; null for any. */
function dataMap(koffi: Koffi, size: number, exclusiveTo: Buffer | null): CStruct {
  const attr = new CStruct(koffi, ATTR_BYTES);
  attr.setU32(CREATE.type, MAP_TYPE_ARRAY);
  attr.setU32(CREATE.keySize, 4);
  attr.setU32(CREATE.valueSize, size);
  attr.setU32(CREATE.maxEntries, 1);
  attr.bytes.write("loader.data", CREATE.name);
  if (exclusiveTo !== null) {
    attr.setPointer(EXCLUSIVE.hash, createHash("sha256").update(exclusiveTo).digest());
    attr.setU32(EXCLUSIVE.bytes, SHA256_BYTES);
  }
  return attr;
}

function dataUpdate(koffi: Koffi, map: number, data: Buffer): CStruct {
  const attr = new CStruct(koffi, ATTR_BYTES);
  attr.setU32(UPDATE.map, map);
  attr.setPointer(UPDATE.key, Buffer.alloc(4));
  attr.setPointer(UPDATE.value, data);
  return attr;
}

function programLoad(
  koffi: Koffi,
  map: number,
  code: Buffer,
  own: { level: number; log: Buffer } | null,
  signature: RunLoaderRequest["signature"],
): CStruct {
  const attr = new CStruct(koffi, ATTR_BYTES);
  const fds = Buffer.alloc(4);
  new DataView(fds.buffer, fds.byteOffset).setInt32(0, map, HOST_LITTLE_ENDIAN);
  attr.setU32(LOAD.type, PROG_TYPE_SYSCALL);
  attr.setU32(LOAD.count, code.length / INSN_BYTES);
  attr.setPointer(LOAD.instructions, code);
  attr.setPointer(LOAD.license, cString(LICENSE));
  attr.setU32(LOAD.flags, SLEEPABLE);
  attr.bytes.write("loader", LOAD.name);
  attr.setPointer(LOAD.descriptors, fds);
  if (signature !== null) {
    const pkcs7 = Buffer.from(signature.pkcs7, "base64");
    // Named so, the map's contents are signed; a kernel that has them checked by the loader wants it named by code alone.
    if (signature.scheme === "data") attr.setU32(SIGNED.fdCount, 1);
    attr.setPointer(SIGNED.signature, pkcs7);
    attr.setU32(SIGNED.bytes, pkcs7.length);
    attr.setU32(SIGNED.keyring, SESSION_KEYRING >>> 0);
  }
  if (own !== null) {
    attr.setU32(LOAD.logLevel, own.level);
    attr.setU32(LOAD.logSize, own.log.length);
    attr.setPointer(LOAD.log, own.log);
  }
  return attr;
}

function hashRequest(koffi: Koffi, map: number): CStruct {
  const info = new CStruct(koffi, INFO_BYTES);
  info.setPointer(MAP_HASH.hash, Buffer.alloc(SHA256_BYTES));
  info.setU32(MAP_HASH.bytes, SHA256_BYTES);
  const attr = new CStruct(koffi, ATTR_BYTES);
  attr.setU32(INFO.fd, map);
  // A kernel that knows no hash refuses what it does not know and is not zero.
  attr.setU32(INFO.length, MAP_INFO_BYTES);
  attr.setPointer(INFO.info, info.bytes);
  // What the attributes point to stays with them.
  attr.hold(info);
  return attr;
}

/** add_key(2) of a certificate to this session's keyring; its serial number, or the negative errno. */
function addKey(koffi: Koffi, certificate: Buffer): number {
  const number = ADD_KEY[process.arch];
  if (number === undefined) return -ENOSYS;
  const signature =
    "long syscall(long number, const char *type, const char *name, void *bytes, size_t size, int keyring)";
  const syscall = koffi.load("libc.so.6").func(signature);
  const result = Number(syscall(number, "asymmetric", "", certificate, certificate.length, SESSION_KEYRING));
  return result < 0 ? -koffi.errno() : result;
}

function describe(koffi: Koffi, bpf: BpfCall, kind: "map" | "program", fd: number): CreatedObject {
  const info = new CStruct(koffi, INFO_BYTES);
  const attr = new CStruct(koffi, ATTR_BYTES);
  attr.setU32(INFO.fd, fd);
  attr.setU32(INFO.length, INFO_BYTES);
  attr.setPointer(INFO.info, info.bytes);
  bpf(OBJ_GET_INFO_BY_FD, attr);
  const isMap = kind === "map";
  const nameAt = isMap ? MAP_INFO.name : PROGRAM_INFO.name;
  return {
    kind,
    id: info.u32(isMap ? MAP_INFO.id : PROGRAM_INFO.id),
    type: info.u32(isMap ? MAP_INFO.type : PROGRAM_INFO.type),
    name: textIn(info.bytes.subarray(nameAt, nameAt + NAME_BYTES)),
    keySize: isMap ? info.u32(MAP_INFO.keySize) : 0,
    valueSize: isMap ? info.u32(MAP_INFO.valueSize) : 0,
    maxEntries: isMap ? info.u32(MAP_INFO.maxEntries) : 0,
    flags: isMap ? info.u32(MAP_INFO.flags) : 0,
    tag: isMap ? "" : info.bytes.toString("hex", PROGRAM_INFO.tag, PROGRAM_INFO.tag + TAG_BYTES),
    verifiedInstructions: isMap ? 0 : info.u32(PROGRAM_INFO.verified),
  };
}
