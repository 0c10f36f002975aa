// SPDX-License-Identifier: MIT
// Counts system calls: loads an object without libbpf, by the loader in globals.loader.ts. See README.md.
import { closeSync, statSync } from "node:fs";
import { attachRawTracepoint, load, open, readVariable, setVariable } from "./globals.loader.ts";

const opened = open();
// Which processes are counted: those whose id has a bit of the mask. It is the first member of a struct.
setVariable(opened, "rodata.settings", Uint8Array.of(0xff, 0xff, 0xff, 0xff));

const { maps, programs, close } = load(opened);
const link = attachRawTracepoint(programs.account, "sys_enter");
for (let i = 0; i < 100; i++) statSync("/");
const total = readVariable({ maps, programs, close }, "bss.total");
console.log("total", new DataView(total.buffer, total.byteOffset).getBigUint64(0, true).toString());

closeSync(link);
close();
