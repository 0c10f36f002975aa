import { LOAD_ATTEMPTS } from "./attributes.ts";
import { CONTEXT } from "./loader.ts";

/**
 * What every C header with a loader has: bpf(2) by its number, with attributes as bytes by their places (linux/bpf.h), so
 * that it compiles with headers of any age.
 */
export const C_RUNTIME = `#ifndef BTFGEN_LOADER_RUNTIME
#define BTFGEN_LOADER_RUNTIME

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

struct btfgen_loader {
	unsigned char *data;
	size_t size;
	/* What has failed: a step, or what was done before it was run; NULL for nothing. */
	const char *failed;
};

/* Fields of union bpf_attr are set by their places. */
struct btfgen_attr {
	unsigned char bytes[128];
};

static inline void btfgen_u32(struct btfgen_attr *attr, int at, uint32_t value)
{
	memcpy(attr->bytes + at, &value, sizeof(value));
}

static inline void btfgen_pointer(struct btfgen_attr *attr, int at, const void *target)
{
	uint64_t value = (uint64_t)(uintptr_t)target;

	memcpy(attr->bytes + at, &value, sizeof(value));
}

/* The verifier ends with EAGAIN where the thread has a signal to see to; libbpf tries as often. */
#define BTFGEN_ATTEMPTS ${LOAD_ATTEMPTS}

/* bpf(2): a result, or a negative errno. */
static inline int btfgen_bpf(int command, struct btfgen_attr *attr)
{
	int attempts = command == 5 ? BTFGEN_ATTEMPTS : 1; /* BPF_PROG_LOAD */
	long result;

	do {
		result = syscall(__NR_bpf, command, attr->bytes, sizeof(attr->bytes));
	} while (result < 0 && errno == EAGAIN && --attempts > 0);
	return result < 0 ? -errno : (int)result;
}

static inline void btfgen_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

static inline void btfgen_done(struct btfgen_loader *loader)
{
	free(loader->data);
	loader->data = NULL;
}

static inline int btfgen_open(struct btfgen_loader *loader, const unsigned char *data, size_t length, size_t size)
{
	loader->data = calloc(1, size);
	loader->size = size;
	if (!loader->data)
		return -ENOMEM;
	memcpy(loader->data, data, length);
	return 0;
}

/* As many entries as there may be CPUs. */
static inline void btfgen_per_cpu(struct btfgen_loader *loader, size_t at)
{
	char text[256] = "";
	uint32_t count = 1;
	int fd = open("/sys/devices/system/cpu/possible", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	btfgen_close(fd);
	while (length > 0 && (text[length - 1] < '0' || text[length - 1] > '9'))
		text[--length] = 0;
	while (length > 0 && text[length - 1] >= '0' && text[length - 1] <= '9')
		length--;
	if (text[length])
		count = (uint32_t)strtoul(text + length, NULL, 10) + 1;
	memcpy(loader->data + at, &count, sizeof(count));
}

/* Settings that no config file has (LINUX_KERNEL_VERSION and its like). */
static inline void btfgen_setting(struct btfgen_loader *loader, const char *name, size_t at, int size)
{
	unsigned int major = 0, minor = 0, patch = 0;
	struct utsname kernel;
	uint64_t value;

	if (uname(&kernel))
		return;
	sscanf(kernel.release, "%u.%u.%u", &major, &minor, &patch);
	value = (major << 16) | (minor << 8) | (patch > 255 ? 255 : patch);
	if (!strcmp(name, "LINUX_HAS_BPF_COOKIE"))
		value = value >= 0x050f00;
	else if (!strcmp(name, "LINUX_HAS_SYSCALL_WRAPPER"))
#if defined(__x86_64__) || defined(__s390x__) || defined(__aarch64__) || (defined(__riscv) && __riscv_xlen == 64)
		value = 1;
#else
		value = 0;
#endif
	else if (strcmp(name, "LINUX_KERNEL_VERSION"))
		return;
	if (size > (int)sizeof(value))
		size = sizeof(value);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	memcpy(loader->data + at, &value, size);
#else
	memcpy(loader->data + at, (char *)&value + sizeof(value) - size, size);
#endif
}

static inline int btfgen_run_once(struct btfgen_loader *loader, int program, unsigned char *context,
				  uint32_t context_size, uint32_t wanted, char *log, uint32_t log_size)
{
	uint32_t level = 1;
	uint64_t place = (uint64_t)(uintptr_t)log;
	struct btfgen_attr attr;
	int32_t result;
	int error;

	memset(context, 0, context_size);
	if (wanted && log && log_size) {
		memcpy(context + ${CONTEXT.logLevel}, &level, sizeof(level));
		memcpy(context + ${CONTEXT.logSize}, &log_size, sizeof(log_size));
		memcpy(context + ${CONTEXT.log}, &place, sizeof(place));
		memcpy(context + ${CONTEXT.step}, &wanted, sizeof(wanted));
	}
	memset(&attr, 0, sizeof(attr));
	btfgen_u32(&attr, 0, program); /* test.prog_fd */
	btfgen_u32(&attr, 40, context_size); /* test.ctx_size_in */
	btfgen_pointer(&attr, 48, context); /* test.ctx_in */
	loader->failed = "run the loader program";
	error = btfgen_bpf(10, &attr); /* BPF_PROG_TEST_RUN */
	if (error)
		return error;
	memcpy(&result, attr.bytes + 4, sizeof(result)); /* test.retval */
	return result;
}

/* Has the loader program run; wanted is the step whose log is asked for. */
static inline int btfgen_run(struct btfgen_loader *loader, int program, unsigned char *context, uint32_t context_size,
			     uint32_t wanted, char *log, uint32_t log_size)
{
	int attempts = BTFGEN_ATTEMPTS, error;

	/* A program that it loads may be the one that a signal comes between; it leaves nothing behind then. */
	do {
		error = btfgen_run_once(loader, program, context, context_size, wanted, log, log_size);
	} while (error == -EAGAIN && --attempts > 0);
	return error;
}

static inline int btfgen_load(struct btfgen_loader *loader, const void *code, uint32_t count, unsigned char *context,
			      uint32_t context_size, const char *const *steps, uint32_t step_count, char *log,
			      uint32_t log_size)
{
	int map = -1, program = -1, error;
	struct btfgen_attr attr;
	uint32_t zero = 0, step = 0;

	if (!loader->data)
		return -EALREADY;
	if (log && log_size)
		log[0] = 0;
	memset(&attr, 0, sizeof(attr));
	btfgen_u32(&attr, 0, 2); /* map_type: BPF_MAP_TYPE_ARRAY */
	btfgen_u32(&attr, 4, 4); /* key_size */
	btfgen_u32(&attr, 8, (uint32_t)loader->size); /* value_size */
	btfgen_u32(&attr, 12, 1); /* max_entries */
	memcpy(attr.bytes + 28, "loader.data", 11); /* map_name */
	loader->failed = "create the map of the loader's data";
	error = map = btfgen_bpf(0, &attr); /* BPF_MAP_CREATE */
	if (error < 0)
		goto out;

	memset(&attr, 0, sizeof(attr));
	btfgen_u32(&attr, 0, map); /* map_fd */
	btfgen_pointer(&attr, 8, &zero); /* key */
	btfgen_pointer(&attr, 16, loader->data); /* value */
	loader->failed = "fill the map of the loader's data";
	error = btfgen_bpf(2, &attr); /* BPF_MAP_UPDATE_ELEM */
	if (error)
		goto out;

	memset(&attr, 0, sizeof(attr));
	btfgen_u32(&attr, 0, 31); /* prog_type: BPF_PROG_TYPE_SYSCALL */
	btfgen_u32(&attr, 4, count); /* insn_cnt */
	btfgen_pointer(&attr, 8, code); /* insns */
	btfgen_pointer(&attr, 16, "Dual MIT/GPL"); /* license */
	btfgen_u32(&attr, 44, 16); /* prog_flags: BPF_F_SLEEPABLE */
	memcpy(attr.bytes + 48, "loader", 6); /* prog_name */
	btfgen_pointer(&attr, 120, &map); /* fd_array */
	loader->failed = "load the loader program";
	error = program = btfgen_bpf(5, &attr); /* BPF_PROG_LOAD */
	if (error < 0)
		goto out;

	error = btfgen_run(loader, program, context, context_size, 0, NULL, 0);
	memcpy(&step, context + ${CONTEXT.step}, sizeof(step));
	/* Again, for the log of what has failed. What fails then for want of room in the log is no news. */
	if (error && step && log && log_size &&
	    !btfgen_run(loader, program, context, context_size, step, log, log_size))
		error = 0;
	if (error && step && step <= step_count)
		loader->failed = steps[step - 1];
	if (!error)
		loader->failed = NULL;
out:
	btfgen_close(program);
	btfgen_close(map);
	return error;
}

static inline int btfgen_descriptor(const unsigned char *context, size_t at)
{
	int32_t fd;

	memcpy(&fd, context + at, sizeof(fd));
	return fd;
}

static inline void *btfgen_map(int fd, size_t size, int writable)
{
	void *place = mmap(NULL, size, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);

	return place == MAP_FAILED ? NULL : place;
}

/*
 * Attaches a program for which bpf(2) is all it takes: raw_tp by the tracepoint's name; tp_btf, fentry, fexit, fmod_ret and
 * lsm with NULL. A descriptor that keeps it attached, or a negative errno.
 */
static inline int btfgen_raw_tracepoint(int program, const char *name)
{
	struct btfgen_attr attr;

	memset(&attr, 0, sizeof(attr));
	btfgen_pointer(&attr, 0, name); /* raw_tracepoint.name */
	btfgen_u32(&attr, 8, program); /* raw_tracepoint.prog_fd */
	return btfgen_bpf(17, &attr); /* BPF_RAW_TRACEPOINT_OPEN */
}

static inline void btfgen_unmap(struct btfgen_loader *loader, void *place, size_t size)
{
	/* Before the loader has run, sections are in its data. */
	if (place && !loader->data)
		munmap(place, size);
}

#endif
`;
