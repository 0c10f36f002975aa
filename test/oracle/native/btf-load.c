/*
 * The kernel's verdict on raw BTF blobs: BPF_BTF_LOAD for each, many to a run.
 *
 * stdin: blobs, each a u32 length (host byte order) and that many bytes. stdout, per blob: i32 errno (0 accepted),
 * u32 length of the log, and the end of the verifier's log (only of refused blobs; the reason is its last line).
 * As the first process of a virtual machine, linked statically, it reads and writes as guest.h has it.
 *
 * The verdict is taken without a log: with one a kernel answers ENOSPC when its buffer is too small.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest.h"

#define LOG_BYTES ((16u << 20) - 1) /* the most that every kernel takes */
#define LOG_TAIL 2048u

static int load(const void *btf, uint32_t size, char *log)
{
	union bpf_attr attr;
	long fd;

	memset(&attr, 0, sizeof(attr));
	attr.btf = (uintptr_t)btf;
	attr.btf_size = size;
	if (log) {
		attr.btf_log_buf = (uintptr_t)log;
		attr.btf_log_size = LOG_BYTES;
		attr.btf_log_level = 1;
	}
	fd = syscall(SYS_bpf, BPF_BTF_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		return errno;
	close((int)fd);
	return 0;
}

int main(void)
{
	char *log = malloc(LOG_BYTES);
	int is_first = getpid() == 1;
	uint32_t size;

	if (!log)
		return 3;
	if (is_first)
		guest_begin();
	while (fread(&size, sizeof(size), 1, stdin) == 1) {
		void *btf = malloc(size + 1ul);
		uint32_t length = 0, skip;
		int32_t error;

		if (!btf || fread(btf, 1, size, stdin) != size)
			return 3;
		error = load(btf, size, NULL);
		log[0] = 0;
		if (error) {
			load(btf, size, log);
			length = (uint32_t)strnlen(log, LOG_BYTES);
		}
		skip = length > LOG_TAIL ? length - LOG_TAIL : 0;
		length -= skip;
		fwrite(&error, sizeof(error), 1, stdout);
		fwrite(&length, sizeof(length), 1, stdout);
		fwrite(log + skip, 1, length, stdout);
		free(btf);
	}
	free(log);
	if (is_first)
		guest_end();
	return 0;
}
