/*
 * Makes the undefined symbols of a BPF object weak, in a copy of its bytes: libbpf then takes kfuncs, ksyms and
 * settings that the target lacks for absent, instead of refusing the object before it relocates anything. Only
 * instructions that carry such a symbol's own relocation can differ by it.
 */
#include <elf.h>
#include <stdint.h>
#include <string.h>

#include "weak-externs.h"

void weaken_externs(void *object, size_t size)
{
	unsigned char *bytes = object;
	const Elf64_Ehdr *header = object;
	const Elf64_Shdr *section;
	size_t i, k;

	/* A file that is not what it should be is libbpf's to refuse. Byte order: the host's, or libbpf refuses it. */
	if (size < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return;
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_shentsize != sizeof(*section))
		return;
	if (header->e_shoff > size || (size - header->e_shoff) / sizeof(*section) < header->e_shnum)
		return;
	section = (const Elf64_Shdr *)(bytes + header->e_shoff);
	for (i = 0; i < header->e_shnum; i++) {
		Elf64_Sym *symbols;

		if (section[i].sh_type != SHT_SYMTAB || section[i].sh_offset > size)
			continue;
		if (section[i].sh_size > size - section[i].sh_offset)
			continue;
		symbols = (Elf64_Sym *)(bytes + section[i].sh_offset);
		for (k = 1; k < section[i].sh_size / sizeof(*symbols); k++) {
			if (symbols[k].st_shndx == SHN_UNDEF && ELF64_ST_BIND(symbols[k].st_info) == STB_GLOBAL)
				symbols[k].st_info = ELF64_ST_INFO(STB_WEAK, ELF64_ST_TYPE(symbols[k].st_info));
		}
	}
}
