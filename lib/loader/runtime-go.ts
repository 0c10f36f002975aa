import { LOAD_ATTEMPTS } from "./attributes.ts";
import { CONTEXT } from "./loader.ts";

/** What every Go package with a loader has: bpf(2), its attributes as structs by their layout (linux/bpf.h). */
export const GO_RUNTIME = `import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// Error says what has failed: a step of the loader, with the verifier's words on it.
type Error struct {
	// Step is empty where the loader program itself could not be run.
	Step  string
	Stage string
	Errno syscall.Errno
	Log   string
}

func (e *Error) Error() string {
	text := e.Stage
	if e.Step != "" {
		text = e.Step
	}
	text += ": " + e.Errno.Error()
	if e.Log != "" {
		text += "\\n" + e.Log
	}
	return text
}

func (e *Error) Unwrap() error { return e.Errno }

const (
	bpfMapCreate = 0
	bpfMapLookup = 1
	bpfMapUpdate = 2
	bpfProgLoad  = 5
	bpfProgRun   = 10
	bpfRawOpen   = 17
	arrayMap     = 2
	syscallType  = 31
	sleepable    = 16
	logBytes     = 1<<24 - 1
	addrStep     = ${CONTEXT.step}
	addrLogLevel = ${CONTEXT.logLevel}
	addrLogSize  = ${CONTEXT.logSize}
	addrLog      = ${CONTEXT.log}
)

var order = native()

func native() binary.ByteOrder {
	one := uint16(1)
	if *(*byte)(unsafe.Pointer(&one)) == 1 {
		return binary.LittleEndian
	}
	return binary.BigEndian
}

func number() uintptr {
	switch runtime.GOARCH {
	case "amd64":
		return 321
	case "s390x":
		return 351
	case "ppc64", "ppc64le":
		return 361
	}
	return 280
}

// The verifier ends with EAGAIN where the thread has a signal to see to, as Go's scheduler and profiler send them.
const attempts = ${LOAD_ATTEMPTS}

func bpf(command uintptr, attr unsafe.Pointer, size uintptr) (int, syscall.Errno) {
	result, _, errno := syscall.Syscall(number(), command, uintptr(attr), size)
	for i := 1; i < attempts && command == bpfProgLoad && errno == syscall.EAGAIN; i++ {
		result, _, errno = syscall.Syscall(number(), command, uintptr(attr), size)
	}
	return int(result), errno
}

type mapCreate struct {
	kind, keySize, valueSize, maxEntries, flags, inner, numa uint32
	name                                                     [16]byte
}

type mapUpdate struct {
	fd         uint32
	_          uint32
	key, value unsafe.Pointer
	flags      uint64
}

type progLoad struct {
	kind, count       uint32
	code, license     unsafe.Pointer
	logLevel, logSize uint32
	log               unsafe.Pointer
	version, flags    uint32
	name              [16]byte
	_                 [56]byte
	fds               unsafe.Pointer
}

type progRun struct {
	fd, result     uint32
	_              [8]uint32
	contextSize, _ uint32
	context        unsafe.Pointer
	_              [4]uint32
}

func (l *Loader) set(at, size int, value uint64) {
	for i := 0; i < size; i++ {
		shift := 8 * i
		if order == binary.BigEndian {
			shift = 8 * (size - 1 - i)
		}
		l.data[at+i] = byte(value >> shift)
	}
}

func (l *Loader) setUint32(at int, value uint32) { l.set(at, 4, uint64(value)) }

func (l *Loader) setting(name string, at, size int) {
	var version uint64
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	parts := strings.SplitN(strings.TrimSpace(string(text)), ".", 3)
	for i := 0; i < 3; i++ {
		part := uint64(0)
		if i < len(parts) {
			digits := strings.IndexFunc(parts[i]+" ", func(r rune) bool { return r < '0' || r > '9' })
			part, _ = strconv.ParseUint(parts[i][:digits], 10, 32)
		}
		if part > 255 {
			part = 255
		}
		version = version<<8 | part
	}
	switch name {
	case "LINUX_KERNEL_VERSION":
	case "LINUX_HAS_BPF_COOKIE":
		if version >= 0x050f00 {
			version = 1
		} else {
			version = 0
		}
	case "LINUX_HAS_SYSCALL_WRAPPER":
		version = 0
		switch runtime.GOARCH {
		case "amd64", "arm64", "riscv64", "s390x":
			version = 1
		}
	default:
		return
	}
	if size > 8 {
		size = 8
	}
	l.set(at, size, version)
}

func possibleCPUs() uint32 {
	text, err := os.ReadFile("/sys/devices/system/cpu/possible")
	if err != nil {
		return 1
	}
	list := strings.TrimSpace(string(text))
	last, _ := strconv.ParseUint(list[strings.LastIndexAny(list, "-,")+1:], 10, 32)
	return uint32(last) + 1
}

// RawTracepoint attaches a program for which bpf(2) is all it takes: raw_tp by the tracepoint's name; tp_btf, fentry,
// fexit, fmod_ret and lsm with an empty one. The descriptor keeps it attached.
func RawTracepoint(program int, name string) (int, error) {
	attr := struct {
		name unsafe.Pointer
		fd   uint32
		_    uint32
	}{fd: uint32(program)}
	text := append([]byte(name), 0)
	if name != "" {
		attr.name = unsafe.Pointer(&text[0])
	}
	fd, errno := bpf(bpfRawOpen, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	runtime.KeepAlive(text)
	if errno != 0 {
		return -1, errno
	}
	return fd, nil
}

// read gives the value of a data section's map, after Load.
func read(fd, size int) ([]byte, error) {
	key, value := make([]byte, 4), make([]byte, size)
	lookup := mapUpdate{fd: uint32(fd), key: unsafe.Pointer(&key[0]), value: unsafe.Pointer(&value[0])}
	_, errno := bpf(bpfMapLookup, unsafe.Pointer(&lookup), unsafe.Sizeof(lookup))
	runtime.KeepAlive(key)
	if errno != 0 {
		return nil, errno
	}
	return value, nil
}

func descriptor(context []byte, at int) int { return int(int32(order.Uint32(context[at:]))) }

func closing(fd *int) {
	if *fd >= 0 {
		syscall.Close(*fd)
	}
	*fd = -1
}

func (l *Loader) run(context []byte) error {
	create := mapCreate{kind: arrayMap, keySize: 4, valueSize: uint32(len(l.data)), maxEntries: 1}
	copy(create.name[:], "loader.data")
	fd, errno := bpf(bpfMapCreate, unsafe.Pointer(&create), unsafe.Sizeof(create))
	if errno != 0 {
		return &Error{Stage: "create the map of the loader's data", Errno: errno}
	}
	defer syscall.Close(fd)
	key := make([]byte, 4)
	update := mapUpdate{fd: uint32(fd), key: unsafe.Pointer(&key[0]), value: unsafe.Pointer(&l.data[0])}
	if _, errno = bpf(bpfMapUpdate, unsafe.Pointer(&update), unsafe.Sizeof(update)); errno != 0 {
		return &Error{Stage: "fill the map of the loader's data", Errno: errno}
	}
	license := []byte("Dual MIT/GPL\\x00")
	fds := []int32{int32(fd)}
	load := progLoad{kind: syscallType, count: uint32(len(instructions) / 8), code: unsafe.Pointer(&instructions[0]),
		license: unsafe.Pointer(&license[0]), flags: sleepable, fds: unsafe.Pointer(&fds[0])}
	copy(load.name[:], "loader")
	program, errno := bpf(bpfProgLoad, unsafe.Pointer(&load), unsafe.Sizeof(load))
	if errno != 0 {
		return &Error{Stage: "load the loader program", Errno: errno}
	}
	defer syscall.Close(program)
	failed, failure := runRepeated(program, context, 0, nil)
	if failed != 0 {
		// Again, for the log of what has failed; what fails then for want of room in the log is no news.
		_, again := runRepeated(program, context, failed, make([]byte, logBytes))
		if again == nil {
			failure = nil
		} else {
			failure.Log = again.Log
		}
	}
	runtime.KeepAlive(key)
	runtime.KeepAlive(license)
	runtime.KeepAlive(fds)
	if failure != nil {
		return failure
	}
	return nil
}

// runRepeated runs it again where a signal came between a program that it loads, of which nothing is left behind.
func runRepeated(program int, context []byte, wanted uint32, log []byte) (step uint32, failure *Error) {
	for i := 0; i < attempts; i++ {
		step, failure = runOnce(program, context, wanted, log)
		if failure == nil || failure.Errno != syscall.EAGAIN {
			break
		}
	}
	return step, failure
}

// runOnce gives the number of the step that failed.
func runOnce(program int, context []byte, wanted uint32, log []byte) (uint32, *Error) {
	for i := range context {
		context[i] = 0
	}
	if wanted != 0 {
		order.PutUint32(context[addrLogLevel:], 1)
		order.PutUint32(context[addrLogSize:], uint32(len(log)))
		order.PutUint64(context[addrLog:], uint64(uintptr(unsafe.Pointer(&log[0]))))
		order.PutUint32(context[addrStep:], wanted)
	}
	run := progRun{fd: uint32(program), contextSize: uint32(len(context)), context: unsafe.Pointer(&context[0])}
	_, errno := bpf(bpfProgRun, unsafe.Pointer(&run), unsafe.Sizeof(run))
	runtime.KeepAlive(log)
	if errno != 0 {
		return 0, &Error{Stage: "run the loader program", Errno: errno}
	}
	if result := int32(run.result); result < 0 {
		step := order.Uint32(context[addrStep:])
		failure := &Error{Stage: "run the loader program", Errno: syscall.Errno(-result)}
		if step > 0 && int(step) <= len(steps) {
			failure.Step = steps[step-1]
		} else {
			failure.Step = fmt.Sprintf("step %d", step)
		}
		if end := bytes.IndexByte(log, 0); end > 0 {
			failure.Log = string(log[:end])
		}
		return step, failure
	}
	return 0, nil
}
`;
