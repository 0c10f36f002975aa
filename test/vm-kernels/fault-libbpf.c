/*
 * The system's libbpf with a limit, which it puts on its process where FAULT says so at compile time: a virtual machine has
 * an environment of its own. All functions but those below are libbpf's, to which this is linked.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOCKED_MEMORY 1
#define MEMORY 2
#define SMALL_REFUSED 3

#ifndef FAULT
#error FAULT
#endif

static void put(const char *path, const char *text)
{
	int file = open(path, O_WRONLY);

	if (file < 0)
		return;
	if (write(file, text, strlen(text)) < 0)
		perror(path);
	close(file);
}

/* No memory may be locked, and nobody who could lift that: before 5.11 maps and programs count as locked memory. */
static void limit_locked_memory(void)
{
	struct rlimit none = { 0, 0 };
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	setrlimit(RLIMIT_MEMLOCK, &none);
	syscall(SYS_capget, &head, data);
	data[0].effective &= ~(1u << CAP_SYS_RESOURCE);
	data[0].permitted &= ~(1u << CAP_SYS_RESOURCE);
	syscall(SYS_capset, &head, data);
}

/* From 5.11 on what BPF takes is its control group's: this one has room for next to nothing. */
static void limit_memory(void)
{
	const size_t more = 8 << 20;
	char self[32];
	char *fresh;

	mkdir("/sys/fs/cgroup/tight", 0700);
	put("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	put("/sys/fs/cgroup/tight/memory.max", "2097152");
	snprintf(self, sizeof(self), "%d", getpid());
	put("/sys/fs/cgroup/tight/cgroup.procs", self);
	/* libbpf may do with memory that the process has had before, which counts elsewhere. */
	fresh = mmap(NULL, more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fresh != MAP_FAILED)
		memset(fresh, 1, more);
}

__attribute__((constructor)) static void start(void)
{
	if (FAULT == LOCKED_MEMORY)
		limit_locked_memory();
}

void *bpf_object__open_mem(const void *bytes, size_t size, const void *opts)
{
	void *(*next)(const void *, size_t, const void *) = dlsym(RTLD_NEXT, "bpf_object__open_mem");
	static size_t first_size;
	const char *custom_btf;

	if (!first_size)
		first_size = size;
	/* struct bpf_object_open_opts, btf_custom_path */
	memcpy(&custom_btf, (const char *)opts + 48, sizeof(custom_btf));
	if (FAULT == MEMORY && size != first_size)
		limit_memory();
	if (FAULT == SMALL_REFUSED && custom_btf && strstr(custom_btf, "small")) {
		errno = EINVAL;
		return NULL;
	}
	return next(bytes, size, opts);
}
