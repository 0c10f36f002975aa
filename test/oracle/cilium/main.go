// Asks cilium/ebpf what it makes of the CO-RE relocations of BPF objects on a target BTF. Nothing is loaded.
//
// Standard input: lines "TARGET<tab>OBJECT". Standard output: one JSON document a line, see types below, after one with
// the generation of the library's rules: {"api":"0.15"} for that release and all later ones.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

type answer struct {
	Target  string `json:"target"`
	Object  string `json:"object"`
	Error   string `json:"error,omitempty"`
	Answers []relo `json:"relocations"`
}

type relo struct {
	// The program it was resolved for, and the function (of the program) and instruction slot that it is at.
	Program  string `json:"program"`
	Function string `json:"function"`
	Insn     uint64 `json:"insn"`
	// With all relocations of its type in the program, and by itself: "kind=1->2", "kind=poison" or "error: ...".
	Together string `json:"together"`
	Alone    string `json:"alone"`
}

type place struct {
	function string
	insn     uint64
	relo     *btf.CORERelocation
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	targets := map[string]*btf.Spec{}
	if err := out.Encode(map[string]string{"api": api()}); err != nil {
		panic(err)
	}
	for in.Scan() {
		paths := strings.SplitN(in.Text(), "\t", 2)
		result := answer{Target: paths[0], Object: paths[1], Answers: []relo{}}
		target, err := loadTarget(targets, paths[0])
		if err == nil {
			result.Answers, err = relocate(paths[1], target)
		}
		if err != nil {
			result.Error, result.Answers = err.Error(), []relo{}
		}
		if err := out.Encode(result); err != nil {
			panic(err)
		}
	}
}

func loadTarget(known map[string]*btf.Spec, path string) (*btf.Spec, error) {
	if spec := known[path]; spec != nil {
		return spec, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	spec, err := btf.LoadSpecFromReader(file)
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	known[path] = spec
	return spec, nil
}

func relocate(path string, target *btf.Spec) ([]relo, error) {
	collection, err := ebpf.LoadCollectionSpec(path)
	if err != nil {
		return nil, fmt.Errorf("object: %w", err)
	}
	answers := []relo{}
	for name, program := range collection.Programs {
		places := placesOf(program.Instructions)
		byType := map[uintptr][]int{}
		for i, at := range places {
			key := rootOf(at.relo)
			byType[key] = append(byType[key], i)
		}
		for _, group := range byType {
			relos := make([]*btf.CORERelocation, 0, len(group))
			for _, i := range group {
				relos = append(relos, places[i].relo)
			}
			together := solve(relos, collection, target)
			for j, i := range group {
				at := places[i]
				alone := solve([]*btf.CORERelocation{at.relo}, collection, target)
				answers = append(answers, relo{name, at.function, at.insn, together[j], alone[0]})
			}
		}
	}
	return answers, nil
}

func placesOf(instructions asm.Instructions) []place {
	var places []place
	function, start := "", uint64(0)
	iter := instructions.Iterate()
	for iter.Next() {
		offset := uint64(iter.Offset)
		if symbol := iter.Ins.Symbol(); symbol != "" {
			function, start = symbol, offset
		}
		if relo := btf.CORERelocationMetadata(iter.Ins); relo != nil {
			places = append(places, place{function, offset - start, relo})
		}
	}
	return places
}

// The address of a relocation's root type, which is one for all relocations of that type.
func rootOf(relo *btf.CORERelocation) uintptr {
	return reflect.ValueOf(relo).Elem().FieldByName("typ").Elem().Pointer()
}

func solve(relos []*btf.CORERelocation, collection *ebpf.CollectionSpec, target *btf.Spec) []string {
	told := make([]string, len(relos))
	fixups, err := coreRelocate(relos, collection, target)
	for i := range relos {
		if err != nil {
			told[i] = "error: " + err.Error()
			continue
		}
		told[i] = fixups[i].String()
	}
	return told
}

func api() string {
	switch any(btf.CORERelocate).(type) {
	case func(*btf.Spec, *btf.Spec, []*btf.CORERelocation) ([]btf.COREFixup, error):
		return "0.9"
	case func([]*btf.CORERelocation, []*btf.Spec, binary.ByteOrder, func(btf.Type) (btf.TypeID, error)) ([]btf.COREFixup, error):
		return "0.15"
	default:
		return "0.10"
	}
}

// The function has changed its parameters from release to release.
func coreRelocate(relos []*btf.CORERelocation, collection *ebpf.CollectionSpec, target *btf.Spec) (fixups []btf.COREFixup, err error) {
	// Old releases panic where the types of a field are not what they expect.
	defer func() {
		if r := recover(); r != nil {
			fixups, err = nil, fmt.Errorf("panic: %v", r)
		}
	}()
	local := collection.Types
	var bo binary.ByteOrder = collection.ByteOrder
	ownID := func(t btf.Type) (btf.TypeID, error) { return local.TypeID(t) }
	switch f := any(btf.CORERelocate).(type) {
	case func(*btf.Spec, *btf.Spec, []*btf.CORERelocation) ([]btf.COREFixup, error): // 0.9
		return f(local, target, relos)
	case func([]*btf.CORERelocation, *btf.Spec, binary.ByteOrder) ([]btf.COREFixup, error): // 0.10
		return f(relos, target, bo)
	case func([]*btf.CORERelocation, *btf.Spec, binary.ByteOrder, func(btf.Type) (btf.TypeID, error)) ([]btf.COREFixup, error):
		return f(relos, target, bo, ownID)
	case func([]*btf.CORERelocation, []*btf.Spec, binary.ByteOrder, func(btf.Type) (btf.TypeID, error)) ([]btf.COREFixup, error): // 0.15
		return f(relos, []*btf.Spec{target}, bo, ownID)
	default:
		return nil, errors.New("this release of cilium/ebpf has another CORERelocate")
	}
}
