// Loads BPF objects with cilium/ebpf, each program by itself, and says what became of it, as lines of JSON.
//
//	cilium-load OBJECT...
package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sort"

	"github.com/cilium/ebpf"
)

type line struct {
	Object  string `json:"object"`
	Program string `json:"program"`
	Error   string `json:"error"`
}

func load(path string, name string) error {
	spec, err := ebpf.LoadCollectionSpec(path)
	if err != nil {
		return err
	}
	for other := range spec.Programs {
		if other != name {
			delete(spec.Programs, other)
		}
	}
	for _, m := range spec.Maps {
		m.Pinning = ebpf.PinNone
	}
	collection, err := ebpf.NewCollection(spec)
	if err != nil {
		return err
	}
	collection.Close()
	return nil
}

func main() {
	out := json.NewEncoder(os.Stdout)
	for _, path := range os.Args[1:] {
		spec, err := ebpf.LoadCollectionSpec(path)
		if err != nil {
			_ = out.Encode(line{filepath.Base(path), "", err.Error()})
			continue
		}
		names := make([]string, 0, len(spec.Programs))
		for name := range spec.Programs {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			said := line{Object: filepath.Base(path), Program: name}
			if err := load(path, name); err != nil {
				said.Error = err.Error()
			}
			_ = out.Encode(said)
		}
	}
}
