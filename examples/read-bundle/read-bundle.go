// Finds this machine's BTF in a bundle of btfgen and writes it to standard output. Uses the standard library alone.
//
//	go run read-bundle.go BUNDLE [OS_RELEASE ARCH RELEASE]
//
// BUNDLE is a directory, as a store (index.json and btf/) or as a tree (ID/VERSION_ID/ARCH/RELEASE.btf). Exit code 1:
// the kernel is not in it; 2: it cannot be read.
//
// Find takes an fs.FS, so that an embed.FS does as well:
//
//	//go:embed btfs
//	var btfs embed.FS
//	small, err := Find(btfs, kernel)
//	spec, err := btf.LoadSpecFromReader(bytes.NewReader(small))
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
)

// Kernel is what a bundle knows a kernel by.
type Kernel struct{ ID, VersionID, Arch, Release string }

// ErrNotFound says that a bundle has no BTF for a kernel. There is no second best: BTF of another kernel is wrong.
var ErrNotFound = errors.New("not in the bundle")

// index is index.json, version 1: ID, VERSION_ID, arch and release lead to a place in Blobs.
type index struct {
	Version int
	Blobs   []string
	Kernels map[string]map[string]map[string]map[string]int
}

// Find returns the BTF of exactly this kernel.
func Find(bundle fs.FS, kernel Kernel) ([]byte, error) {
	text, err := fs.ReadFile(bundle, "index.json")
	if errors.Is(err, fs.ErrNotExist) {
		return findInTree(bundle, kernel)
	}
	if err != nil {
		return nil, err
	}
	var in index
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, fmt.Errorf("index.json: %w", err)
	}
	if in.Version != 1 {
		return nil, fmt.Errorf("index.json: version %d is not known", in.Version)
	}
	number, found := in.Kernels[kernel.ID][kernel.VersionID][kernel.Arch][kernel.Release]
	if !found {
		return nil, ErrNotFound
	}
	if number < 0 || number >= len(in.Blobs) {
		return nil, fmt.Errorf("index.json: there is no blob %d", number)
	}
	return fs.ReadFile(bundle, "btf/"+in.Blobs[number]+".btf")
}

func findInTree(bundle fs.FS, kernel Kernel) ([]byte, error) {
	name := strings.Join([]string{kernel.ID, kernel.VersionID, kernel.Arch, kernel.Release + ".btf"}, "/")
	// Parts from os-release and uname must not lead elsewhere.
	if !fs.ValidPath(name) || strings.Count(name, "/") != 3 {
		return nil, ErrNotFound
	}
	small, err := fs.ReadFile(bundle, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	return small, err
}

// Arch gives the name that bundles have for what uname -m or GOARCH says.
func Arch(machine string) string {
	switch machine {
	case "aarch64":
		return "arm64"
	case "amd64":
		return "x86_64"
	}
	return machine
}

// ReadOSRelease returns ID and VERSION_ID of an os-release file, without the quotes that some distributions have.
func ReadOSRelease(name string) (id, versionID string, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return "", "", err
	}
	id = "linux"
	for _, line := range strings.Split(string(text), "\n") {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "ID":
			id = strings.Trim(value, `"'`)
		case "VERSION_ID":
			versionID = strings.Trim(value, `"'`)
		}
	}
	return id, versionID, nil
}

func uname(flag string) string {
	// golang.org/x/sys/unix.Uname does without a process.
	out, err := exec.Command("uname", flag).Output()
	if err != nil {
		fail(2, err)
	}
	return string(bytes.TrimSpace(out))
}

func fail(code int, err error) {
	fmt.Fprintf(os.Stderr, "read-bundle: %v\n", err)
	os.Exit(code)
}

func main() {
	args := os.Args[1:]
	if len(args) != 1 && len(args) != 4 {
		fail(2, errors.New("usage: read-bundle BUNDLE [OS_RELEASE ARCH RELEASE]"))
	}
	if len(args) == 1 {
		args = append(args, "/etc/os-release", uname("-m"), uname("-r"))
	}
	id, versionID, err := ReadOSRelease(args[1])
	if err != nil {
		fail(2, err)
	}
	kernel := Kernel{id, versionID, Arch(args[2]), args[3]}
	small, err := Find(os.DirFS(args[0]), kernel)
	switch {
	case errors.Is(err, ErrNotFound):
		fail(1, fmt.Errorf("%s %s %s %s: %w", kernel.ID, kernel.VersionID, kernel.Arch, kernel.Release, err))
	case err != nil:
		fail(2, err)
	}
	if _, err := os.Stdout.Write(small); err != nil {
		fail(2, err)
	}
}
