// SPDX-License-Identifier: MIT
/* Counts system calls: loads an object without libbpf, by the loader in globals.loader.h. See README.md. */
#define _GNU_SOURCE
#include "globals.loader.h"

#include <inttypes.h>

static char log_text[1 << 20];

int main(void)
{
	const uint32_t every_process = ~0u;
	struct globals *globals = globals__open();
	int link, error;

	if (!globals) {
		perror("open");
		return 1;
	}
	/* Which processes are counted: those whose id has a bit of the mask. It is the first member of a struct. */
	memcpy(globals->rodata->settings, &every_process, sizeof(every_process));

	error = globals__load(globals, log_text, sizeof(log_text));
	if (error) {
		fprintf(stderr, "%s: %s\n%s", globals->loader.failed, strerror(-error), log_text);
		globals__close(globals);
		return 1;
	}
	link = btfgen_raw_tracepoint(globals->programs.account, "sys_enter");
	if (link < 0) {
		fprintf(stderr, "attach: %s\n", strerror(-link));
		globals__close(globals);
		return 1;
	}
	for (int i = 0; i < 100; i++)
		usleep(1);
	/* The map itself, mapped into this process. */
	printf("total %" PRIu64 "\n", globals->bss->total);

	close(link);
	globals__close(globals);
	return 0;
}
