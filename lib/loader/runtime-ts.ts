import { LOAD_ATTEMPTS } from "./attributes.ts";
import { CONTEXT } from "./loader.ts";

/** Not in place, so that what reads this library's own imports does not take the text for them. */
const FROM = "from";

/** What every TypeScript module with a loader has: bpf(2) through koffi, attributes as bytes by their places (linux/bpf.h). */
export const TYPESCRIPT_RUNTIME = `import { closeSync, readFileSync } ${FROM} "node:fs";
import { release } ${FROM} "node:os";
import koffi ${FROM} "koffi";

/** What open gives: the data that the loader program works on, which can be changed until load. */
export interface Opened {
  readonly data: Uint8Array;
}

/** File descriptors of what was made. */
export interface Loaded {
  readonly maps: Readonly<Record<keyof typeof MAPS, number>>;
  readonly programs: Readonly<Record<keyof typeof PROGRAMS, number>>;
  /** Closes all of them: what is attached or pinned stays. */
  close(): void;
}

/** What has failed, with the verifier's words on it. */
export class LoadError extends Error {
  readonly step: string;
  readonly errno: number;
  readonly log: string;

  constructor(step: string, errno: number, log: string) {
    super(\`\${step}: errno \${errno}\${log === "" ? "" : \`\\n\${log}\`}\`);
    this.name = "LoadError";
    this.step = step;
    this.errno = errno;
    this.log = log;
  }
}

/** Gives the loader's data; asks nothing of the kernel. */
export function open(): Opened {
  const data = Buffer.alloc(DATA_BYTES);
  Buffer.from(DATA, "base64").copy(data);
  for (const at of PER_CPU) write(data, at, 4, BigInt(possibleCpus()));
  for (const [name, at, size] of SETTINGS) {
    const value = setting(name);
    if (value !== null) write(data, at, Math.min(size, 8), BigInt(value));
  }
  return { data };
}

/** Sets a variable of a data section (\`rodata.pid\`), before load: a number, or its bytes. */
export function setVariable(opened: Opened, name: keyof typeof VARIABLES, value: number | bigint | Uint8Array): void {
  const { at, offset, size } = VARIABLES[name] as Variable;
  if (value instanceof Uint8Array) opened.data.set(value.subarray(0, size), at + offset);
  else if (size > 8) throw new RangeError(\`\${name} has \${size} bytes: give it as bytes\`);
  else write(opened.data, at + offset, size, BigInt(value));
}

/** Where a variable is: in the data its section's start, in the section itself. */
interface Variable {
  readonly map: keyof typeof MAPS;
  readonly at: number;
  readonly offset: number;
  readonly size: number;
  readonly section: number;
}

/** Reads a variable of a data section (\`bss.count\`) after load, as bytes. */
export function readVariable({ maps }: Loaded, name: keyof typeof VARIABLES): Uint8Array {
  const { map, offset, size, section } = VARIABLES[name] as Variable;
  const key = Buffer.alloc(4);
  const value = Buffer.alloc(section);
  const attr = attribute();
  attr.setUint32(0, maps[map], LITTLE_ENDIAN);
  attr.setBigUint64(8, addressOf(key), LITTLE_ENDIAN);
  attr.setBigUint64(16, addressOf(value), LITTLE_ENDIAN);
  const found = bpf(1, attr, key, value); // BPF_MAP_LOOKUP_ELEM
  if (found < 0) throw new LoadError(\`read \${name}\`, -found, "");
  return value.subarray(offset, offset + size);
}

/**
 * Attaches a program for which bpf(2) is all it takes: raw_tp by the tracepoint's name; tp_btf, fentry, fexit, fmod_ret and
 * lsm with an empty one. The descriptor keeps it attached.
 */
export function attachRawTracepoint(program: number, name: string): number {
  const text = Buffer.from(\`\${name}\\0\`);
  const attr = attribute();
  if (name !== "") attr.setBigUint64(0, addressOf(text), LITTLE_ENDIAN);
  attr.setUint32(8, program, LITTLE_ENDIAN);
  const fd = bpf(17, attr, text); // BPF_RAW_TRACEPOINT_OPEN
  if (fd < 0) throw new LoadError(\`attach to \${name}\`, -fd, "");
  return fd;
}

/** Sets the number of entries that a map is created with, before load. */
export function setMaxEntries(opened: Opened, map: keyof typeof MAX_ENTRIES, count: number): void {
  write(opened.data, MAX_ENTRIES[map], 4, BigInt(count));
}

/** Creates the maps and loads the programs: all of them, or none and a LoadError. */
export function load({ data }: Opened): Loaded {
  if ((new Uint8Array(new Uint16Array([1]).buffer)[0] === 1) !== LITTLE_ENDIAN) {
    throw new Error("the object is of another byte order than this machine");
  }
  const map = attribute();
  map.setUint32(0, 2, LITTLE_ENDIAN); // BPF_MAP_TYPE_ARRAY
  map.setUint32(4, 4, LITTLE_ENDIAN); // key_size
  map.setUint32(8, data.length, LITTLE_ENDIAN); // value_size
  map.setUint32(12, 1, LITTLE_ENDIAN); // max_entries
  const dataMap = bpf(0, map);
  if (dataMap < 0) throw new LoadError("create the map of the loader's data", -dataMap, "");
  try {
    const bytes = Buffer.from(data);
    const key = Buffer.alloc(4);
    const update = attribute();
    update.setUint32(0, dataMap, LITTLE_ENDIAN);
    update.setBigUint64(8, addressOf(key), LITTLE_ENDIAN);
    update.setBigUint64(16, addressOf(bytes), LITTLE_ENDIAN);
    const filled = bpf(2, update, key, bytes);
    if (filled < 0) throw new LoadError("fill the map of the loader's data", -filled, "");
    return loadWith(dataMap);
  } finally {
    closeSync(dataMap);
  }
}

function loadWith(dataMap: number): Loaded {
  const code = Buffer.from(INSTRUCTIONS, "base64");
  const license = Buffer.from("Dual MIT/GPL\\0");
  const descriptors = Buffer.alloc(4);
  new DataView(descriptors.buffer, descriptors.byteOffset).setInt32(0, dataMap, LITTLE_ENDIAN);
  const attr = attribute();
  attr.setUint32(0, 31, LITTLE_ENDIAN); // BPF_PROG_TYPE_SYSCALL
  attr.setUint32(4, code.length / 8, LITTLE_ENDIAN); // insn_cnt
  attr.setBigUint64(8, addressOf(code), LITTLE_ENDIAN);
  attr.setBigUint64(16, addressOf(license), LITTLE_ENDIAN);
  attr.setUint32(44, 16, LITTLE_ENDIAN); // BPF_F_SLEEPABLE
  attr.setBigUint64(120, addressOf(descriptors), LITTLE_ENDIAN); // fd_array
  const program = bpf(5, attr, code, license, descriptors);
  if (program < 0) throw new LoadError("load the loader program", -program, "");
  try {
    const { result, step, ...first } = runRepeated(program, 0);
    // Again, for the log of what has failed; what fails then for want of room in the log is no news.
    const { context, ...last } = result < 0 && step !== 0 ? runRepeated(program, step) : { result, ...first };
    if (last.result < 0) throw new LoadError(STEPS[step - 1] ?? "run the loader program", -result, last.log);
    const at = (places: Readonly<Record<string, number>>) =>
      Object.fromEntries(Object.entries(places).map(([name, place]) => [name, context.getInt32(place, LITTLE_ENDIAN)]));
    const maps = at(MAPS);
    const programs = at(PROGRAMS);
    return {
      maps: maps as Loaded["maps"],
      programs: programs as Loaded["programs"],
      close: () => {
        for (const fd of [...Object.values(programs), ...Object.values(maps)]) closeSync(fd);
      },
    };
  } finally {
    closeSync(program);
  }
}

interface Ran {
  readonly result: number;
  readonly step: number;
  readonly log: string;
  readonly context: DataView;
}

/** The verifier ends with it where the thread has a signal to see to, as V8's threads send them; libbpf tries as often. */
const EAGAIN = 11;
const ATTEMPTS = ${LOAD_ATTEMPTS};

/** A program that it loads may be the one that a signal comes between; it leaves nothing behind then. */
function runRepeated(program: number, wanted: number): Ran {
  let ran = run(program, wanted);
  for (let i = 1; i < ATTEMPTS && ran.result === -EAGAIN; i++) ran = run(program, wanted);
  return ran;
}

/** Has the loader program run; \`wanted\` is the step whose log is asked for. */
function run(program: number, wanted: number): Ran {
  const bytes = Buffer.alloc(CONTEXT_BYTES);
  const context = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const log = Buffer.alloc(wanted === 0 ? 0 : 0xff_ffff);
  if (wanted !== 0) {
    context.setUint32(${CONTEXT.logLevel}, 1, LITTLE_ENDIAN);
    context.setUint32(${CONTEXT.logSize}, log.length, LITTLE_ENDIAN);
    context.setBigUint64(${CONTEXT.log}, addressOf(log), LITTLE_ENDIAN);
    context.setUint32(${CONTEXT.step}, wanted, LITTLE_ENDIAN);
  }
  const attr = attribute();
  attr.setUint32(0, program, LITTLE_ENDIAN);
  attr.setUint32(40, bytes.length, LITTLE_ENDIAN); // ctx_size_in
  attr.setBigUint64(48, addressOf(bytes), LITTLE_ENDIAN); // ctx_in
  const ran = bpf(10, attr, bytes, log); // BPF_PROG_TEST_RUN
  if (ran < 0) return { result: ran, step: 0, log: "", context };
  const end = log.indexOf(0);
  const text = log.toString("latin1", 0, end === -1 ? log.length : end);
  return { result: attr.getInt32(4, LITTLE_ENDIAN), step: context.getUint32(${CONTEXT.step}, LITTLE_ENDIAN), log: text, context };
}

const NUMBERS: Readonly<Record<string, number>> = { x64: 321, arm64: 280, riscv64: 280, loong64: 280, s390x: 351, ppc64: 361 };
const syscall = koffi.load("libc.so.6").func("long syscall(long number, int command, void *attr, uint32_t size)");

function attribute(): DataView {
  const bytes = Buffer.alloc(128);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** What the attributes point to is named, so that it is there as long as the call lasts. */
function bpf(command: number, attr: DataView, ..._held: readonly Buffer[]): number {
  const bytes = Buffer.from(attr.buffer, attr.byteOffset, attr.byteLength);
  const attempts = command === 5 ? ATTEMPTS : 1; // BPF_PROG_LOAD
  for (let i = 1; ; i++) {
    const result = Number(syscall(NUMBERS[process.arch] ?? -1, command, bytes, bytes.length));
    if (result >= 0) return result;
    const errno = koffi.errno();
    if (errno !== EAGAIN || i >= attempts) return -errno;
  }
}

function addressOf(buffer: Buffer): bigint {
  return BigInt(koffi.address(buffer));
}

function write(data: Uint8Array, at: number, size: number, value: bigint): void {
  for (let i = 0; i < size; i++) {
    data[at + (LITTLE_ENDIAN ? i : size - 1 - i)] = Number((BigInt.asUintN(64, value) >> BigInt(8 * i)) & 0xffn);
  }
}

function possibleCpus(): number {
  const last = /(\\d+)\\s*$/.exec(readFileSync("/sys/devices/system/cpu/possible", "utf8"))?.[1];
  return last === undefined ? 1 : Number(last) + 1;
}

/** Settings that no config file has. */
function setting(name: string): number | null {
  const [major = 0, minor = 0, patch = 0] = release().split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0);
  const version = (major << 16) | (minor << 8) | Math.min(patch, 255);
  if (name === "LINUX_KERNEL_VERSION") return version;
  if (name === "LINUX_HAS_BPF_COOKIE") return version >= 0x050f00 ? 1 : 0;
  if (name === "LINUX_HAS_SYSCALL_WRAPPER") return ["x64", "arm64", "riscv64", "s390x"].includes(process.arch) ? 1 : 0;
  return null;
}
`;
