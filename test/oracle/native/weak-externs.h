/* See weak-externs.c. */
#ifndef BTFGEN_WEAK_EXTERNS_H
#define BTFGEN_WEAK_EXTERNS_H

#include <stddef.h>

/* Turns STB_GLOBAL into STB_WEAK for every undefined symbol of the ELF64 object of `size` bytes, in place. */
void weaken_externs(void *object, size_t size);

#endif
