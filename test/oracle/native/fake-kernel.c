/*
 * A pretend kernel for libbpf, so that a load can be run to its end on any machine, without privilege and without
 * a verifier having a say: every bpf(2) command that libbpf issues is answered here, and the files in which it
 * looks for the running kernel's BTF lead to a file of our choice. What is under test is libbpf alone; its
 * relocated instructions do not depend on the kernel that would run them.
 *
 * It works by symbol interposition: libbpf calls syscall(), fopen64(), open64(), faccessat() and gzopen64()
 * through its PLT, so definitions in the executable win. Nothing here is a BPF interface of its own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fake-kernel.h"

#define MAX_BTFS 256
#define MAX_FDS 65536
/* Large enough for any map that libbpf may mmap; a memfd is sparse, so this costs nothing. */
#define MAP_BACKING_BYTES (1ull << 30)

static const char VMLINUX_BTF[] = "/sys/kernel/btf/vmlinux";
static const char BOOT_CONFIG[] = "/boot/config-";

void (*fake_kernel_observer)(int command, const union bpf_attr *attr, long result);

struct served_btf {
	const char *name;
	const char *path;
	void *data;
	uint32_t size;
};

/* Index i is BTF id i + 1, the kernel's numbering: vmlinux is always 1. */
static struct served_btf served[MAX_BTFS];
static uint32_t served_count;
static uint8_t fd_to_btf_id[MAX_FDS];

static int serve(const char *name, const char *path)
{
	struct served_btf *btf;
	struct stat st;
	int fd;

	if (served_count == MAX_BTFS - 1)
		return -E2BIG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		close(fd);
		return -errno;
	}
	btf = &served[served_count];
	btf->data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (btf->data == MAP_FAILED)
		return -errno;
	btf->size = (uint32_t)st.st_size;
	btf->name = name;
	btf->path = path;
	served_count++;
	return 0;
}

int fake_kernel_serve_vmlinux(const char *path)
{
	return served_count ? -EBUSY : serve("vmlinux", path);
}

int fake_kernel_serve_module(const char *name, const char *path)
{
	return served_count ? serve(name, path) : -EINVAL;
}

/* A descriptor for anything the kernel would have created; only its being a valid one matters. */
static long new_fd(uint64_t bytes)
{
	int fd = memfd_create("fake-bpf", MFD_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fd < MAX_FDS)
		fd_to_btf_id[fd] = 0;
	if (bytes && ftruncate(fd, (off_t)bytes)) {
		close(fd);
		return -1;
	}
	return fd;
}

static long fail(int error)
{
	errno = error;
	return -1;
}

static long btf_fd_by_id(uint32_t id)
{
	long fd;

	if (id == 0 || id > served_count)
		return fail(ENOENT);
	fd = new_fd(0);
	if (fd >= MAX_FDS) {
		close((int)fd);
		return fail(EMFILE);
	}
	if (fd >= 0)
		fd_to_btf_id[fd] = (uint8_t)id;
	return fd;
}

static long object_info(union bpf_attr *attr)
{
	struct bpf_btf_info *info = (void *)(uintptr_t)attr->info.info;
	uint32_t fd = attr->info.bpf_fd;
	const struct served_btf *btf;

	if (fd >= MAX_FDS || fd_to_btf_id[fd] == 0)
		return 0;
	btf = &served[fd_to_btf_id[fd] - 1];
	if (info->btf && info->btf_size)
		memcpy((void *)(uintptr_t)info->btf, btf->data, btf->size < info->btf_size ? btf->size : info->btf_size);
	info->btf_size = btf->size;
	info->id = fd_to_btf_id[fd];
	if (info->name && info->name_len)
		snprintf((char *)(uintptr_t)info->name, info->name_len, "%s", btf->name);
	info->kernel_btf = 1;
	return 0;
}

static unsigned int most_kind = 127;
static int knows_linkage = 1;

void fake_kernel_limit_btf(unsigned int kind, int linkage)
{
	most_kind = kind;
	knows_linkage = linkage;
}

/* Bytes of a type's record behind its first 12, by kind: fixed, and for each of its members. */
static const struct {
	unsigned char fixed, each;
} RECORDS[] = {
	[1] = { 4, 0 }, [3] = { 12, 0 }, [4] = { 0, 12 }, [5] = { 0, 12 }, [6] = { 0, 8 },   [13] = { 0, 8 },
	[14] = { 4, 0 }, [15] = { 0, 12 }, [17] = { 4, 0 }, [19] = { 0, 12 },
};

/* -EINVAL for BTF that the pretend kernel is too old for; its types alone are looked at. */
static int refuse_btf(const unsigned char *btf, uint32_t size)
{
	uint32_t header, from, length, at, info, kind, vlen;

	memcpy(&header, btf + 4, 4);
	memcpy(&from, btf + 8, 4);
	memcpy(&length, btf + 12, 4);
	for (at = header + from; at + 12 <= header + from + length && at + 12 <= size;) {
		memcpy(&info, btf + at + 4, 4);
		kind = (info >> 24) & 0x1f;
		vlen = info & 0xffff;
		if (kind > most_kind || (kind == 12 && vlen && !knows_linkage))
			return -EINVAL;
		/* Signed enumerations came with ENUM64. */
		if (kind == 6 && (info >> 31) && most_kind < 19)
			return -EINVAL;
		at += 12;
		if (kind < sizeof(RECORDS) / sizeof(RECORDS[0]))
			at += RECORDS[kind].fixed + (kind == 12 ? 0 : vlen * RECORDS[kind].each);
	}
	return 0;
}

static long fake_bpf(int command, union bpf_attr *attr)
{
	switch (command) {
	case BPF_MAP_CREATE:
		return new_fd(MAP_BACKING_BYTES);
	case BPF_BTF_LOAD:
		if (refuse_btf((const unsigned char *)(uintptr_t)attr->btf, attr->btf_size))
			return fail(EINVAL);
		return new_fd(0);
	case BPF_PROG_LOAD:
		return new_fd(0);
	case BPF_MAP_UPDATE_ELEM:
	case BPF_MAP_FREEZE:
	case BPF_PROG_BIND_MAP:
		return 0;
	case BPF_OBJ_GET_INFO_BY_FD:
		return object_info(attr);
	case BPF_BTF_GET_NEXT_ID:
		if (attr->start_id >= served_count)
			return fail(ENOENT);
		attr->next_id = attr->start_id + 1;
		return 0;
	case BPF_BTF_GET_FD_BY_ID:
		return btf_fd_by_id(attr->btf_id);
	case BPF_LINK_CREATE:
		return fail(EBADF); /* what libbpf's probes expect of a kernel that knows the link type */
	case BPF_OBJ_GET:
		return fail(ENOENT);
	default:
		return fail(EINVAL);
	}
}

long syscall(long number, ...)
{
	static long (*real)(long, ...);
	long a[6];
	va_list args;
	int i;

	va_start(args, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_bpf) {
		long result = fake_bpf((int)a[0], (union bpf_attr *)a[1]);
		int error = errno;

		if (fake_kernel_observer)
			fake_kernel_observer((int)a[0], (union bpf_attr *)a[1], result);
		errno = error;
		return result;
	}
	if (!real)
		real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* Where a path the library asks for really leads; NULL when the pretend kernel has no such file. */
static const char *redirect(const char *path)
{
	if (strcmp(path, VMLINUX_BTF) == 0)
		return served_count ? served[0].path : NULL;
	/* The machine's own symbols and settings are no part of the target. */
	if (strcmp(path, "/proc/kallsyms") == 0 || strcmp(path, "/proc/config.gz") == 0 ||
	    strncmp(path, BOOT_CONFIG, sizeof(BOOT_CONFIG) - 1) == 0)
		return "/dev/null";
	return path;
}

/* zlib's, without its header: libbpf reads Kconfig files with it. */
void *gzopen64(const char *path, const char *mode)
{
	static void *(*real)(const char *, const char *);

	if (!real)
		real = (void *(*)(const char *, const char *))dlsym(RTLD_NEXT, "gzopen64");
	return real(redirect(path), mode);
}

void *gzopen(const char *path, const char *mode)
{
	return gzopen64(path, mode);
}

FILE *fopen64(const char *path, const char *mode)
{
	static FILE *(*real)(const char *, const char *);
	const char *to = redirect(path);

	if (!real)
		real = (FILE *(*)(const char *, const char *))dlsym(RTLD_NEXT, "fopen64");
	if (!to) {
		errno = ENOENT;
		return NULL;
	}
	return real(to, mode);
}

FILE *fopen(const char *path, const char *mode)
{
	return fopen64(path, mode);
}

int open64(const char *path, int flags, ...)
{
	static int (*real)(const char *, int, ...);
	const char *to = redirect(path);
	unsigned int mode = 0;
	va_list args;

	if (flags & (O_CREAT | O_TMPFILE)) {
		va_start(args, flags);
		mode = va_arg(args, unsigned int);
		va_end(args);
	}
	if (!real)
		real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
	return to ? real(to, flags, mode) : (int)fail(ENOENT);
}

int open(const char *path, int flags, ...)
{
	unsigned int mode = 0;
	va_list args;

	if (flags & (O_CREAT | O_TMPFILE)) {
		va_start(args, flags);
		mode = va_arg(args, unsigned int);
		va_end(args);
	}
	return open64(path, flags, mode);
}

int faccessat(int directory, const char *path, int mode, int flags)
{
	static int (*real)(int, const char *, int, int);
	const char *to = redirect(path);

	if (!real)
		real = (int (*)(int, const char *, int, int))dlsym(RTLD_NEXT, "faccessat");
	return to ? real(directory, to, mode, flags) : (int)fail(ENOENT);
}

int access(const char *path, int mode)
{
	return faccessat(AT_FDCWD, path, mode, 0);
}
