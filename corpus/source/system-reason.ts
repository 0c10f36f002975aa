const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EIO: "input/output error",
  EISDIR: "is a directory",
  ELOOP: "too many symbolic links",
  EMFILE: "too many open files",
  ENAMETOOLONG: "the file name is too long",
  ENOENT: "no such file or directory",
  ENOTDIR: "a part of the path is not a directory",
  EPERM: "operation not permitted",
  ERR_FS_FILE_TOO_LARGE: "the file is too large (2 GiB is the limit)",
};

/** Why the system did not let a file be read, in words. Rethrows what is no error of the system. */
export function systemReason(error: unknown): string {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (code === undefined || !/^(E[A-Z0-9]+|ERR_FS_\w+)$/.test(code)) throw error;
  return REASONS[code] ?? ((error as Error).message.split("\n", 1)[0] as string);
}
