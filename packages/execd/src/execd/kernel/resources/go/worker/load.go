package worker

import (
	"errors"
	"fmt"
	"os"
	_ "plugin" // has what opens libraries
	"runtime"
	"strings"
	"syscall"
	"unsafe"
)

//go:linkname pluginOpen plugin._Cfunc_pluginOpen
func pluginOpen(path *byte, failure **byte) uintptr

//go:linkname pluginLookup plugin._Cfunc_pluginLookup
func pluginLookup(library uintptr, name *byte, failure **byte) unsafe.Pointer

// What the runtime does for a plugin once it is loaded; our libraries lack what package plugin would compare.

//go:linkname modulesinit runtime.modulesinit
func modulesinit()

//go:linkname typelinksinit runtime.typelinksinit
func typelinksinit()

//go:linkname itabsinit runtime.itabsinit
func itabsinit()

//go:linkname doInit1 runtime.doInit1
func doInit1(task unsafe.Pointer)

// loaded is compiled code in this process; it stays for good.
type loaded uintptr

var loads int

// load takes the code from memory: what is written to a directory may not be allowed to be run from there.
func load(path string) (loaded, error) {
	file, err := inMemory(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return loadFile(file)
}

func inMemory(path string) (*os.File, error) {
	name := terminated("execd-cell")
	descriptor, _, errno := syscall.Syscall(memfdCreate[runtime.GOARCH], uintptr(unsafe.Pointer(name)), 1, 0)
	if errno != 0 {
		return os.Open(path)
	}
	file := os.NewFile(descriptor, "cell")
	code, err := os.ReadFile(path)
	if err == nil {
		_, err = file.Write(code)
	}
	return file, err
}

var memfdCreate = map[string]uintptr{"amd64": 319, "arm64": 279}

func loadFile(file *os.File) (loaded, error) {
	// The dynamic loader takes two libraries of one name for the same: so no name is used twice.
	path := fmt.Sprintf("/proc/self%sfd/%d", slashes(loads), file.Fd())
	loads++
	var failure *byte
	library := pluginOpen(terminated(path), &failure)
	if library == 0 {
		return 0, errors.New(text(failure))
	}
	modulesinit()
	typelinksinit()
	itabsinit()
	return loaded(library), nil
}

// slashes spells a number so that it does not matter in a path.
func slashes(number int) string {
	return "/" + strings.NewReplacer("0", "/", "1", "./").Replace(fmt.Sprintf("%b", number))
}

// function returns a function without parameters and results by its symbol; nil where there is none.
func (l loaded) function(name string) func() {
	code := l.symbol(name + ".abiinternal")
	if code == nil {
		if code = l.symbol(name); code == nil {
			return nil
		}
	}
	closure := &code
	return *(*func())(unsafe.Pointer(&closure))
}

// initialize does what a package does before it is used; all that it imports must have been initialized.
func (l loaded) initialize(path string) {
	task := (*struct{ state, functions uint32 })(l.symbol(path + "..inittask"))
	if task != nil && task.functions > 0 {
		doInit1(unsafe.Pointer(task))
	}
}

func (l loaded) symbol(name string) unsafe.Pointer {
	var failure *byte
	return pluginLookup(uintptr(l), terminated(name), &failure)
}

func terminated(text string) *byte {
	bytes := append([]byte(text), 0)
	return &bytes[0]
}

func text(at *byte) string {
	var bytes []byte
	for ; at != nil && *at != 0; at = (*byte)(unsafe.Add(unsafe.Pointer(at), 1)) {
		bytes = append(bytes, *at)
	}
	return string(bytes)
}
