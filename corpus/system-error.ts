const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EBUSY: "the file is in use",
  EDQUOT: "the disk quota is used up",
  EEXIST: "the file exists already",
  EFBIG: "the file is too large",
  EIO: "input/output error",
  EISDIR: "is a directory",
  ELOOP: "too many symbolic links",
  EMFILE: "too many open files",
  ENAMETOOLONG: "the file name is too long",
  ENODEV: "no such device",
  ENOENT: "no such file or directory",
  ENOMEM: "out of memory",
  ENOSPC: "no space left on the device",
  ENOTDIR: "a part of the path is not a directory",
  ENXIO: "no such device or address",
  EPERM: "operation not permitted",
  EROFS: "the file system is read-only",
  ETXTBSY: "the file is being executed",
  ERR_FS_FILE_TOO_LARGE: "the file is too large (2 GiB is the limit)",
};

/** The errno name (`ENOENT`) of an error the system or Node's own file functions raised, else undefined. */
export function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  // ERR_FS_FILE_TOO_LARGE and its like are about the file; other ERR_ codes are misuse of an API, our own bug.
  return /^E[A-Z0-9]+$/.test(error.code) || error.code.startsWith("ERR_FS_") ? error.code : undefined;
}

/** A system error in words, without the path and the call that Node puts into its message. */
export function systemReason(error: unknown): string {
  const known = REASONS[systemCodeOf(error) ?? ""];
  return known ?? firstLine(error instanceof Error ? error.message : String(error));
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
