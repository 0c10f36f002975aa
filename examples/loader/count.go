// SPDX-License-Identifier: MIT

// Counts system calls: loads an object without libbpf, by the loader in package globals. See README.md.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"syscall"
	"time"

	"count/globals"
)

func main() {
	if err := count(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func count() error {
	loader := globals.Open()
	// Which processes are counted: those whose id has a bit of the mask. It is the first member of a struct.
	settings := loader.RodataContents()[globals.RodataSettingsOffset:]
	copy(settings, []byte{0xff, 0xff, 0xff, 0xff})

	if err := loader.Load(); err != nil {
		return err
	}
	defer loader.Close()
	link, err := globals.RawTracepoint(loader.Programs.Account, "sys_enter")
	if err != nil {
		return err
	}
	defer syscall.Close(link)
	for i := 0; i < 100; i++ {
		time.Sleep(time.Microsecond)
	}
	bss, err := loader.ReadBss()
	if err != nil {
		return err
	}
	fmt.Println("total", binary.LittleEndian.Uint64(bss[globals.BssTotalOffset:]))
	return nil
}
