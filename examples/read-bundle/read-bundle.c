/*
 * Finds this machine's BTF in a bundle of btfgen and writes it to standard output. Needs nothing but the C library:
 *
 *	cc -O2 -Wall -Wextra -o read-bundle read-bundle.c
 *	./read-bundle BUNDLE [OS_RELEASE ARCH RELEASE]
 *
 * BUNDLE is a directory, as a store (index.json and btf/) or as a tree (ID/VERSION_ID/ARCH/RELEASE.btf). Exit code 1:
 * the kernel is not in it; 2: it cannot be read. With libbpf, give the file that find_btf names to
 * bpf_object_open_opts.btf_custom_path.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

enum { FOUND = 0, NOT_FOUND = 1, BROKEN = 2 };

struct kernel {
	char id[65];
	char version_id[65];
	char arch[65];
	char release[129];
};

/* A whole file with a NUL behind it, or NULL and errno. */
static char *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	char *text = NULL;
	size_t room = 1 << 16;

	*size = 0;
	if (!file)
		return NULL;
	for (;;) {
		char *more = realloc(text, room + 1);

		if (!more)
			break;
		text = more;
		*size += fread(text + *size, 1, room - *size, file);
		if (ferror(file))
			break;
		if (*size < room) {
			text[*size] = '\0';
			fclose(file);
			return text;
		}
		room *= 2;
	}
	free(text);
	fclose(file);
	if (!errno)
		errno = EIO;
	return NULL;
}

/*
 * As much of JSON as index.json needs: values are skipped, keys compared. Names in an index have no escapes. Every
 * function returns NULL at the first thing that is not JSON; the NUL behind the text ends all loops.
 */
static const char *skip_space(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

static const char *skip_string(const char *at)
{
	if (*at++ != '"')
		return NULL;
	for (; *at && *at != '"'; at++)
		if (*at == '\\' && !*++at)
			return NULL;
	return *at ? at + 1 : NULL;
}

static const char *skip_value(const char *at, int depth)
{
	char close;

	at = skip_space(at);
	if (*at == '"')
		return skip_string(at);
	if (*at != '{' && *at != '[') {
		size_t length = strcspn(at, ",]} \t\r\n");

		return length ? at + length : NULL;
	}
	if (depth > 16)
		return NULL;
	close = *at == '{' ? '}' : ']';
	at = skip_space(at + 1);
	if (*at == close)
		return at + 1;
	for (;;) {
		if (close == '}') {
			at = skip_string(skip_space(at));
			if (!at || *(at = skip_space(at)) != ':')
				return NULL;
			at++;
		}
		at = skip_value(at, depth + 1);
		if (!at)
			return NULL;
		at = skip_space(at);
		if (*at == close)
			return at + 1;
		if (*at++ != ',')
			return NULL;
	}
}

/* The value of a key in the object at `at`, or NULL. */
static const char *member(const char *at, const char *key)
{
	size_t length = strlen(key);

	if (!at || *(at = skip_space(at)) != '{')
		return NULL;
	for (at = skip_space(at + 1); at && *at == '"'; at = skip_space(at)) {
		int same = !strncmp(at + 1, key, length) && at[length + 1] == '"';

		at = skip_string(at);
		if (!at || *(at = skip_space(at)) != ':')
			return NULL;
		if (same)
			return skip_space(at + 1);
		at = skip_value(at + 1, 0);
		if (!at || *(at = skip_space(at)) != ',')
			return NULL;
		at++;
	}
	return NULL;
}

/* The n-th value of the array at `at`, or NULL. */
static const char *element(const char *at, long n)
{
	if (!at || *(at = skip_space(at)) != '[')
		return NULL;
	for (at++; n-- > 0; at++) {
		at = skip_value(at, 0);
		if (!at || *(at = skip_space(at)) != ',')
			return NULL;
	}
	return skip_space(at);
}

static int find_in_index(const char *index, const struct kernel *k, const char *bundle, char path[PATH_MAX])
{
	const char *kernels = member(index, "kernels"), *number, *hash, *version = member(index, "version");
	int written;
	char *end;

	if (!kernels || !version || strtol(version, NULL, 10) != 1)
		return BROKEN;
	number = member(member(member(member(kernels, k->id), k->version_id), k->arch), k->release);
	if (!number)
		return NOT_FOUND;
	hash = element(member(index, "blobs"), strtol(number, &end, 10));
	if (end == number || !hash || *hash++ != '"' || strspn(hash, "0123456789abcdef") != 64 || hash[64] != '"')
		return BROKEN;
	written = snprintf(path, PATH_MAX, "%s/btf/%.64s.btf", bundle, hash);
	return written < PATH_MAX ? FOUND : BROKEN;
}

/* A part of a name that stays in its directory. */
static int is_part(const char *part)
{
	return *part && *part != '.' && !strchr(part, '/');
}

/* Writes the path of exactly this kernel's BTF. There is no second best: BTF of another kernel is wrong. */
static int find_btf(const char *bundle, const struct kernel *k, char path[PATH_MAX])
{
	size_t size;
	char *index;
	FILE *file;
	int found;

	if (snprintf(path, PATH_MAX, "%s/index.json", bundle) >= PATH_MAX)
		return BROKEN;
	index = read_file(path, &size);
	if (index) {
		found = find_in_index(index, k, bundle, path);
		free(index);
		return found;
	}
	if (errno != ENOENT)
		return BROKEN;
	if (!is_part(k->id) || !is_part(k->version_id) || !is_part(k->arch) || !is_part(k->release))
		return NOT_FOUND;
	if (snprintf(path, PATH_MAX, "%s/%s/%s/%s/%s.btf", bundle, k->id, k->version_id, k->arch, k->release) >= PATH_MAX)
		return BROKEN;
	file = fopen(path, "rb");
	if (!file)
		return errno == ENOENT ? NOT_FOUND : BROKEN;
	fclose(file);
	return FOUND;
}

/* Copies a value of os-release without the quotes that some distributions have. */
static void copy_value(char *to, size_t room, const char *value)
{
	size_t length = strcspn(value, "\r\n");

	if (length >= 2 && (*value == '"' || *value == '\'') && value[length - 1] == *value) {
		value++;
		length -= 2;
	}
	snprintf(to, room, "%.*s", (int)length, value);
}

static int read_os_release(const char *path, struct kernel *k)
{
	size_t size;
	char *text = read_file(path, &size), *line, *next;

	if (!text)
		return -1;
	snprintf(k->id, sizeof(k->id), "linux");
	k->version_id[0] = '\0';
	for (line = text; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			next++;
		if (!strncmp(line, "ID=", 3))
			copy_value(k->id, sizeof(k->id), line + 3);
		else if (!strncmp(line, "VERSION_ID=", 11))
			copy_value(k->version_id, sizeof(k->version_id), line + 11);
	}
	free(text);
	return 0;
}

/* The name that bundles have for what uname -m says. */
static const char *arch_of(const char *machine)
{
	if (!strcmp(machine, "aarch64"))
		return "arm64";
	if (!strcmp(machine, "amd64"))
		return "x86_64";
	return machine;
}

int main(int argc, char **argv)
{
	const char *os_release = argc == 5 ? argv[2] : "/etc/os-release";
	char path[PATH_MAX];
	struct utsname u;
	struct kernel k;
	size_t size;
	char *btf;
	int found;

	if ((argc != 2 && argc != 5) || uname(&u)) {
		fprintf(stderr, "usage: read-bundle BUNDLE [OS_RELEASE ARCH RELEASE]\n");
		return BROKEN;
	}
	if (read_os_release(os_release, &k)) {
		fprintf(stderr, "read-bundle: %s: %s\n", os_release, strerror(errno));
		return BROKEN;
	}
	snprintf(k.arch, sizeof(k.arch), "%s", arch_of(argc == 5 ? argv[3] : u.machine));
	snprintf(k.release, sizeof(k.release), "%s", argc == 5 ? argv[4] : u.release);
	found = find_btf(argv[1], &k, path);
	if (found == NOT_FOUND) {
		fprintf(stderr, "read-bundle: %s %s %s %s: not in the bundle\n", k.id, k.version_id, k.arch, k.release);
		return NOT_FOUND;
	}
	btf = found == FOUND ? read_file(path, &size) : NULL;
	if (!btf) {
		fprintf(stderr, "read-bundle: %s: cannot be read\n", path);
		return BROKEN;
	}
	if (fwrite(btf, 1, size, stdout) != size || fflush(stdout)) {
		perror("read-bundle");
		return BROKEN;
	}
	free(btf);
	return 0;
}
