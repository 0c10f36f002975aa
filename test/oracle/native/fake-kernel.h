/* A pretend kernel for libbpf: see fake-kernel.c. */
#ifndef BTFGEN_FAKE_KERNEL_H
#define BTFGEN_FAKE_KERNEL_H

/* Serve the raw BTF file at path as the running kernel's own (/sys/kernel/btf/vmlinux). Returns 0 or -errno. */
int fake_kernel_serve_vmlinux(const char *path);

/* Serve the raw split BTF file at path as that of a loaded module. Returns 0 or -errno. */
int fake_kernel_serve_module(const char *name, const char *path);

/*
 * Refuse BTF that has a kind above `kind`, or a function that is not static where `linkage` is 0: an older kernel.
 * Nothing is refused by default.
 */
void fake_kernel_limit_btf(unsigned int kind, int linkage);

union bpf_attr;

/* Called, where it is set, behind every bpf(2) call with its result: a descriptor, 0, or -1. */
extern void (*fake_kernel_observer)(int command, const union bpf_attr *attr, long result);

#endif
