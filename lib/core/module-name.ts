/** A module's name, as the kernel has it, by its file: without directories, an archive's name, or `.ko` and what follows. */
export function moduleName(source: string): string {
  const file = source.slice(Math.max(source.lastIndexOf("/"), source.lastIndexOf(":"), source.lastIndexOf("!")) + 1);
  return file.replace(/\.(?:ko|btf)(?:\..*)?$/, "").replaceAll("-", "_");
}
