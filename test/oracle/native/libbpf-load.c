/*
 * Loads programs for real, each by itself, with libbpf: first the objects of DIRECTORY/before, where the kernel's own BTF
 * is to be seen, then those of DIRECTORY/after, where neither that nor anything of /boot is (a mount namespace of its
 * own). Nothing stays: all is closed before the next one.
 *
 *   libbpf-load DIRECTORY
 *
 * As the first process of a virtual machine it mounts what it needs, takes the directory /objects, writes to the second
 * serial port, and restarts the machine.
 *
 * Lines: {"side":"before"|"after","object":file,"program":name,"errno":n,"tag":hex,"verified":instructions that the verifier
 * went through (0: the kernel does not say),"code":hex as libbpf made it}, {"hidden":0 or errno}, {"end":true}.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <unistd.h>

#define PORT "/dev/ttyS1"

static void put_hex(const void *data, size_t bytes)
{
	const unsigned char *p = data;
	size_t i;

	putchar('"');
	for (i = 0; i < bytes; i++)
		printf("%02x", p[i]);
	putchar('"');
}

/* Opens the object and loads its program number `only`; returns how many there are, or 0 where it cannot be opened. */
static size_t load(const char *side, const char *directory, const char *file, size_t only)
{
	struct bpf_program *program, *wanted = NULL;
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	struct bpf_object *object;
	struct bpf_map *map;
	char path[4096];
	size_t count = 0;
	int error;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	object = bpf_object__open_file(path, NULL);
	if (!object) {
		printf("{\"side\":\"%s\",\"object\":\"%s\",\"program\":null,\"errno\":%d}\n", side, file, errno);
		return 0;
	}
	bpf_object__for_each_program(program, object) {
		bpf_program__set_autoload(program, count == only);
		if (count++ == only)
			wanted = program;
	}
	bpf_object__for_each_map(map, object)
		bpf_map__set_pin_path(map, NULL);
	if (wanted) {
		error = -bpf_object__load(object);
		if (!error && bpf_program__fd(wanted) >= 0)
			bpf_obj_get_info_by_fd(bpf_program__fd(wanted), &info, &size);
		printf("{\"side\":\"%s\",\"object\":\"%s\",\"program\":\"%s\",\"errno\":%d,\"tag\":", side, file,
		       bpf_program__name(wanted), error);
		put_hex(info.tag, sizeof(info.tag));
		printf(",\"verified\":%u,\"code\":", info.verified_insns);
		put_hex(bpf_program__insns(wanted), bpf_program__insn_cnt(wanted) * sizeof(struct bpf_insn));
		puts("}");
	}
	bpf_object__close(object);
	fflush(stdout);
	return count;
}

static void load_all(const char *side, const char *root)
{
	struct dirent **entries;
	char directory[2048];
	int i, n;

	snprintf(directory, sizeof(directory), "%s/%s", root, side);
	n = scandir(directory, &entries, NULL, alphasort);
	for (i = 0; i < n; i++) {
		size_t k, count = 1;

		if (entries[i]->d_name[0] != '.')
			for (k = 0; k < count; k++)
				count = load(side, directory, entries[i]->d_name, k);
		free(entries[i]);
	}
}

/* Nothing of the kernel's types is to be found by any path that libbpf tries. */
static int hide_btf(void)
{
	if (getpid() != 1 && (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)))
		return errno;
	if (mount("none", "/sys/kernel/btf", "tmpfs", MS_RDONLY, NULL))
		return errno;
	return mount("none", "/boot", "tmpfs", MS_RDONLY, NULL) ? errno : 0;
}

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

int main(int argc, char **argv)
{
	const char *root = argc > 1 ? argv[1] : "/objects";
	bool first = getpid() == 1;

	if (first) {
		mount("proc", "/proc", "proc", 0, NULL);
		mount("sysfs", "/sys", "sysfs", 0, NULL);
		mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
		root = "/objects";
		if (!freopen(PORT, "w", stdout))
			goto end;
	}
	libbpf_set_print(quiet);
	load_all("before", root);
	printf("{\"hidden\":%d}\n", hide_btf());
	load_all("after", root);
	puts("{\"end\":true}");
	fflush(stdout);
end:
	if (first) {
		sync();
		sleep(1);
		reboot(RB_AUTOBOOT);
	}
	return 0;
}
