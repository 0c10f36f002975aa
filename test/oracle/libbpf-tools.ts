/** The executables of Debian's package libbpf-tools: some fifty, most with one BPF object embedded. */
import { accessSync, constants, lstatSync } from "node:fs";
import { runProcess } from "./process.ts";

let executables: readonly string[] | undefined;

/** Paths of the package's programs, sorted; empty when it is not installed. */
export function libbpfToolsExecutables(): readonly string[] {
  executables ??= list();
  return executables;
}

function list(): string[] {
  try {
    const result = runProcess(["dpkg", "-L", "libbpf-tools"]);
    if (result.code !== 0) return [];
    const paths = Buffer.from(result.stdout).toString("utf8").split("\n");
    return paths.filter((path) => /\/s?bin\/[^/]+$/.test(path) && isProgram(path)).sort();
  } catch {
    return [];
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return lstatSync(path).isFile(); // links are second names of a program that is listed too
  } catch {
    return false;
  }
}
