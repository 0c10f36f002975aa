/** The running kernel's own CO-RE resolution: a program is loaded with its relocations, and the answer is what it returns. */
import { closeSync } from "node:fs";
import { ATTR_BYTES, bpfCall } from "../../checker/kernel.ts";
import { CStruct, loadKoffi, textIn } from "../../checker/native.ts";
import { POISON_HELPER } from "../../lib/core/instruction.ts";
import { btfSectionsOf } from "../../lib/elf/btf-section.ts";
import { BTF_LOAD, LOAD, PROG_LOAD, TYPES } from "../../lib/loader/attributes.ts";
import { carriedRelocations } from "../../lib/loader/carried-relocations.ts";
import { buildObject, encodeInsns, type ObjectParts } from "../core/object-builder.ts";

const PROG_TEST_RUN = 10;
const RUN = { program: 0, result: 4, size: 8, data: 16 } as const;
const SOCKET_FILTER = 1;
const PACKET = Buffer.alloc(64);
const LOG_BYTES = 1 << 20;
const FUNCTION_BYTES = 8;
const RELOCATION_BYTES = 16;

/** What comes of a program: the number that it returns; "poisoned", "ambiguous", or else the kernel's own words. */
export type KernelAnswer = number | string;

/**
 * Loads an object's programs one by one, socket filters that return a relocated number, each with its relocations.
 * `functionId` is the object's FUNC for all of them: without func_info a kernel reads no relocation.
 */
export async function askKernel(parts: ObjectParts, functionId: number): Promise<KernelAnswer[]> {
  const koffi = await loadKoffi();
  const bpf = koffi === null ? null : bpfCall(koffi);
  const object = buildObject(parts);
  const { btf } = btfSectionsOf(object.elf);
  if (koffi === null || bpf === null || btf === undefined) throw new Error("no koffi, or no BTF");
  const types = new CStruct(koffi, ATTR_BYTES);
  types.setPointer(TYPES.types, Buffer.from(btf));
  types.setU32(TYPES.size, btf.length);
  const btfFd = bpf(BTF_LOAD, types);
  if (btfFd < 0) throw new Error(`the kernel does not take the object's BTF: ${btfFd}`);
  const carried = carriedRelocations(object);
  const answers = parts.programs.map(({ insns }, i): KernelAnswer => {
    const code = Buffer.from(encodeInsns(insns));
    const relocations = Buffer.from(Uint32Array.from(carried.get(i) ?? []).buffer);
    const log = Buffer.alloc(LOG_BYTES);
    const load = new CStruct(koffi, ATTR_BYTES);
    load.setU32(LOAD.type, SOCKET_FILTER);
    load.setU32(LOAD.count, insns.length);
    load.setPointer(LOAD.instructions, code);
    load.setPointer(LOAD.license, Buffer.from("GPL\0"));
    load.setU32(LOAD.logLevel, 1);
    load.setU32(LOAD.logSize, log.length);
    load.setPointer(LOAD.log, log);
    load.setU32(LOAD.btf, btfFd);
    load.setU32(LOAD.functionBytes, FUNCTION_BYTES);
    load.setPointer(LOAD.functions, Buffer.from(Uint32Array.of(0, functionId).buffer));
    load.setU32(LOAD.functionCount, 1);
    load.setU32(LOAD.relocationCount, relocations.length / RELOCATION_BYTES);
    load.setPointer(LOAD.relocations, relocations);
    load.setU32(LOAD.relocationBytes, RELOCATION_BYTES);
    const fd = bpf(PROG_LOAD, load);
    if (fd < 0) return refusal(textIn(log), fd);
    const run = new CStruct(koffi, ATTR_BYTES);
    run.setU32(RUN.program, fd);
    run.setU32(RUN.size, PACKET.length);
    run.setPointer(RUN.data, PACKET);
    const ran = bpf(PROG_TEST_RUN, run);
    closeSync(fd);
    return ran < 0 ? `does not run: ${ran}` : run.u32(RUN.result);
  });
  closeSync(btfFd);
  return answers;
}

function refusal(log: string, result: number): KernelAnswer {
  if (log.includes(`unknown#${POISON_HELPER}`)) return "poisoned";
  if (/(field offset|relocation decision) ambiguity/.test(log)) return "ambiguous";
  return `${result}: ${log.trim()}`;
}
