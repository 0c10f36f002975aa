/*
 * What libbpf asks of a kernel to load BPF objects: every bpf(2) call that matters, as JSON lines, answered by a pretend
 * kernel (fake-kernel.c). Each object is loaded twice and the second load is written down, when libbpf has made its
 * probes of what the kernel knows. Programs that replace others' functions are left out (they
 * want another program), and those that are to be skipped.
 *
 *   libbpf-recorder [--vmlinux BTF] [--module NAME=BTF]... [--custom BTF] [--kconfig TEXT] [--skip PROGRAM]... [--kinds N]
 *                   OBJECT...
 *
 * --kinds N: a kernel that knows no kind of BTF above N, and no linkage of functions up to 15 (DATASEC).
 *
 * Lines: {"begin":object,"errno":of opening},
 * {"map":{...},"btf":fd,"fd":n} (BPF_MAP_CREATE), {"update":fd,"key":n,"value":hex} (maps of known value size),
 * {"freeze":fd}, {"btf":hex,"fd":n}, {"program":{...}} (BPF_PROG_LOAD), {"end":object,"errno":of loading,
 * "maps":[{"name":..,"fd":..}, ...],"programs":[...]}: descriptors as instructions have them.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-kernel.h"

#define MAX_FDS 65536

#define MAX_SKIPPED 256

static bool recording;
static const char *skipped[MAX_SKIPPED];
static int skipped_count;
static uint32_t value_size[MAX_FDS];
static uint32_t last_size;

static void put_hex(uint64_t address, size_t bytes)
{
	const unsigned char *p = (const unsigned char *)(uintptr_t)address;
	size_t i;

	putchar('"');
	for (i = 0; i < bytes; i++)
		printf("%02x", p[i]);
	putchar('"');
}

/* Names of maps and programs are of letters, digits, dots and underlines. */
static void put_map(const union bpf_attr *attr, long fd)
{
	printf("{\"map\":{\"name\":\"%.16s\",\"type\":%u,\"keySize\":%u,\"valueSize\":%u,\"maxEntries\":%u,\"flags\":%u,"
	       "\"extra\":%llu,\"numaNode\":%u,\"inner\":%u,\"keyTypeId\":%u,\"valueTypeId\":%u,\"kernelTypeId\":%u},"
	       "\"btfFd\":%u,\"fd\":%ld}\n",
	       attr->map_name, attr->map_type, attr->key_size, attr->value_size, attr->max_entries, attr->map_flags,
	       (unsigned long long)attr->map_extra, attr->numa_node, attr->inner_map_fd, attr->btf_key_type_id,
	       attr->btf_value_type_id, attr->btf_vmlinux_value_type_id, attr->btf_fd, fd);
}

static void put_program(const union bpf_attr *attr)
{
	printf("{\"program\":{\"name\":\"%.16s\",\"type\":%u,\"attachType\":%u,\"flags\":%u,\"attachId\":%u,"
	       "\"version\":%u,\"license\":",
	       attr->prog_name, attr->prog_type, attr->expected_attach_type, attr->prog_flags, attr->attach_btf_id,
	       attr->kern_version);
	put_hex(attr->license, strlen((const char *)(uintptr_t)attr->license));
	printf(",\"instructions\":");
	put_hex(attr->insns, attr->insn_cnt * 8ul);
	printf(",\"functionBytes\":%u,\"functions\":", attr->func_info_rec_size);
	put_hex(attr->func_info, (size_t)attr->func_info_rec_size * attr->func_info_cnt);
	printf(",\"lineBytes\":%u,\"lines\":", attr->line_info_rec_size);
	put_hex(attr->line_info, (size_t)attr->line_info_rec_size * attr->line_info_cnt);
	puts("}}");
}

/* Which map a descriptor stands for may have changed since it was created (libbpf duplicates them). */
static uint32_t size_of(uint32_t fd, struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
		if (bpf_map__fd(map) == (int)fd)
			return bpf_map__value_size(map);
	/* From 1.5 on libbpf tells no descriptor before it has filled the map it made last. */
	return fd < MAX_FDS && value_size[fd] ? value_size[fd] : last_size;
}

static struct bpf_object *current;

static void observe(int command, const union bpf_attr *attr, long result)
{
	if (!recording)
		return;
	switch (command) {
	case BPF_MAP_CREATE:
		if (result >= 0 && result < MAX_FDS)
			value_size[result] = last_size = attr->value_size;
		put_map(attr, result);
		break;
	case BPF_MAP_UPDATE_ELEM:
		printf("{\"update\":%u,\"key\":%u,\"value\":", attr->map_fd, *(uint32_t *)(uintptr_t)attr->key);
		put_hex(attr->value, size_of(attr->map_fd, current));
		puts("}");
		break;
	case BPF_MAP_FREEZE:
		printf("{\"freeze\":%u}\n", attr->map_fd);
		break;
	case BPF_BTF_LOAD:
		printf("{\"btf\":");
		put_hex(attr->btf, attr->btf_size);
		printf(",\"fd\":%ld}\n", result);
		break;
	case BPF_PROG_LOAD:
		put_program(attr);
		break;
	}
}

static bool is_skipped(const struct bpf_program *program)
{
	int i;

	for (i = 0; i < skipped_count; i++)
		if (!strcmp(skipped[i], bpf_program__name(program)))
			return true;
	return bpf_program__type(program) == BPF_PROG_TYPE_EXT;
}

static void load(const char *path, const struct bpf_object_open_opts *opts, bool record)
{
	struct bpf_object *object = bpf_object__open_file(path, opts);
	struct bpf_program *program;
	struct bpf_map *map;
	bool first = true;
	int error = object ? 0 : errno;

	if (record)
		printf("{\"begin\":\"%s\",\"errno\":%d}\n", path, error);
	if (object) {
		bpf_object__for_each_program(program, object)
			if (is_skipped(program))
				bpf_program__set_autoload(program, false);
		bpf_object__for_each_map(map, object)
			bpf_map__set_pin_path(map, NULL); /* pinning needs a bpffs */
		current = object;
		memset(value_size, 0, sizeof(value_size));
		recording = record;
		error = -bpf_object__load(object);
		recording = false;
	}
	if (record) {
		printf("{\"end\":\"%s\",\"errno\":%d,\"maps\":[", path, error);
		if (object) {
			bpf_object__for_each_map(map, object) {
				printf("%s{\"name\":\"%s\",\"fd\":%d}", first ? "" : ",", bpf_map__name(map), bpf_map__fd(map));
				first = false;
			}
		}
		printf("],\"programs\":[");
		first = true;
		if (object) {
			bpf_object__for_each_program(program, object) {
				printf("%s{\"name\":\"%s\",\"fd\":%d}", first ? "" : ",", bpf_program__name(program),
				       bpf_program__fd(program));
				first = false;
			}
		}
		puts("]}");
		fflush(stdout);
	}
	bpf_object__close(object);
}

static int warn(enum libbpf_print_level level, const char *format, va_list args)
{
	return recording && level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	static char buffer[1 << 16];
	int i;

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	libbpf_set_print(warn);
	for (i = 1; i + 1 < argc && argv[i][0] == '-'; i += 2) {
		if (!strcmp(argv[i], "--vmlinux")) {
			if (fake_kernel_serve_vmlinux(argv[i + 1]))
				return 2;
		} else if (!strcmp(argv[i], "--module")) {
			char *path = strchr(argv[i + 1], '=');

			if (!path)
				return 2;
			*path = '\0';
			if (fake_kernel_serve_module(argv[i + 1], path + 1))
				return 2;
		} else if (!strcmp(argv[i], "--custom")) {
			opts.btf_custom_path = argv[i + 1];
		} else if (!strcmp(argv[i], "--kconfig")) {
			opts.kconfig = argv[i + 1];
		} else if (!strcmp(argv[i], "--kinds")) {
			fake_kernel_limit_btf((unsigned int)atoi(argv[i + 1]), atoi(argv[i + 1]) > 15);
		} else if (!strcmp(argv[i], "--skip") && skipped_count < MAX_SKIPPED) {
			skipped[skipped_count++] = argv[i + 1];
		} else {
			return 2;
		}
	}
	fake_kernel_observer = observe;
	for (; i < argc; i++) {
		load(argv[i], &opts, false);
		load(argv[i], &opts, true);
	}
	return 0;
}
