/** Errors of Linux by number (include/uapi/asm-generic/errno-base.h), those that checks speak of. */
export const EPERM = 1;
export const E2BIG = 7;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EINVAL = 22;
export const EOPNOTSUPP = 95;
/** The kernel's own, which is not meant to reach user space and does: include/linux/errno.h. */
export const ENOTSUPP = 524;

const NAMES: Readonly<Record<number, string>> = {
  [EPERM]: "EPERM",
  2: "ENOENT",
  3: "ESRCH",
  [E2BIG]: "E2BIG",
  9: "EBADF",
  [EAGAIN]: "EAGAIN",
  [ENOMEM]: "ENOMEM",
  [EACCES]: "EACCES",
  14: "EFAULT",
  16: "EBUSY",
  17: "EEXIST",
  19: "ENODEV",
  [EINVAL]: "EINVAL",
  28: "ENOSPC",
  38: "ENOSYS",
  74: "EBADMSG",
  [EOPNOTSUPP]: "EOPNOTSUPP",
  126: "ENOKEY",
  129: "EKEYREJECTED",
  [ENOTSUPP]: "ENOTSUPP",
};

/** `EINVAL`, or `error 4001` (libbpf's own numbers). */
export function errnoName(errno: number): string {
  return NAMES[errno] ?? `error ${errno}`;
}
