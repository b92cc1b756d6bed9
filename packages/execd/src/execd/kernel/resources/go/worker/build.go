package worker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// toolchain is what compiles cells, as it was found when this worker was prepared.
type toolchain struct {
	Compile  string   `json:"compile"`
	Link     string   `json:"link"`
	Ld       string   `json:"ld"`
	True     string   `json:"true"`
	Lang     string   `json:"lang"`
	Packages []string `json:"packages"` // that the shared library has
}

// builder makes libraries of texts.
type builder struct {
	toolchain
	world   *world
	library *library
	extra   map[string]string // packages of a module → their libraries
}

const libraryName = "libexecdgo.so"

// newBuilder takes the compiler that it was prepared for; where that has moved, the one beside the program go.
func newBuilder(w *world, program string) (*builder, error) {
	b := &builder{world: w, extra: map[string]string{}}
	raw, err := os.ReadFile(filepath.Join(w.place, "toolchain.json"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &b.toolchain); err != nil {
		return nil, err
	}
	if _, err := os.Stat(b.Compile); err != nil {
		if err := b.moveTo(program); err != nil {
			return nil, err
		}
	}
	if _, err := os.Stat(b.Ld); err != nil {
		if b.Ld, err = exec.LookPath("ld"); err != nil {
			return nil, fmt.Errorf("ld, the linker of binutils, is not installed")
		}
	}
	if b.library, err = openLibrary(filepath.Join(w.place, libraryName)); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *builder) moveTo(program string) error {
	real, err := filepath.EvalSymlinks(program)
	if err != nil {
		return err
	}
	tools := filepath.Join(filepath.Dir(filepath.Dir(real)), "pkg", "tool", runtime.GOOS+"_"+runtime.GOARCH)
	b.Compile, b.Link = filepath.Join(tools, "compile"), filepath.Join(tools, "link")
	_, err = os.Stat(b.Compile)
	return err
}

// refused is what the compiler says about a text.
type refused []fault

func (r refused) Error() string { return r[0].String() }

// build compiles a text as package main and loads it.
func (b *builder) build(text string, imports []string) (loaded, error) {
	directory, err := temporary()
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(directory)
	path, err := b.compile(directory, text, imports)
	if err != nil {
		return 0, err
	}
	return load(path)
}

// temporary makes a directory that is there for one cell only.
func temporary() (string, error) {
	first := error(nil)
	for _, parent := range []string{os.TempDir(), ".", "/dev/shm"} {
		directory, err := os.MkdirTemp(parent, "execd-go-")
		if err == nil {
			return filepath.Abs(directory)
		}
		if first == nil {
			first = err
		}
	}
	return "", fmt.Errorf("no directory to compile in: %w; set TMPDIR", first)
}

func (b *builder) compile(directory, text string, imports []string) (string, error) {
	source := filepath.Join(directory, "cell.go")
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		return "", err
	}
	if err := b.writeImports(directory, imports); err != nil {
		return "", err
	}
	made, err := b.compileWith(directory)
	var faults refused
	if err != nil && !errors.As(err, &faults) {
		// The linker of Go 1.22 stumbles over closures that have been inlined where they are called.
		made, err = b.compileWith(directory, "-l")
	}
	return made, err
}

func (b *builder) compileWith(directory string, flags ...string) (string, error) {
	archive := filepath.Join(directory, "cell.a")
	arguments := append(flags, "-o", archive, "-p", "main", "-lang", b.Lang, "-importcfg", "imports",
		"-trimpath", directory+"=>", "-dynlink", "-linkshared", "-dwarf=false", "-complete", "-pack", "cell.go")
	output, err := b.run(directory, b.Compile, arguments...)
	if err != nil {
		if faults := diagnose(output); faults != nil {
			return "", refused(faults)
		}
		return "", fmt.Errorf("compile: %w: %s", err, output)
	}
	return b.link(directory, archive, "main", "cell.so")
}

// link makes a library of an archive: Go's linker writes an object file and believes that another linker has used it.
func (b *builder) link(directory, archive, path, name string) (string, error) {
	stub, err := b.stubFor(directory, archive)
	if err != nil {
		return "", err
	}
	output, err := b.linkGo(directory, archive, path, stub)
	if err != nil && stub != b.library.path {
		// A version of Go's linker may refer to symbols that we do not know of.
		output, err = b.linkGo(directory, archive, path, b.library.path)
	}
	if err != nil {
		return "", fmt.Errorf("link: %w: %s", err, output)
	}
	made := filepath.Join(directory, name)
	output, err = b.run(directory, b.Ld, "-shared", "-o", made, "--hash-style=gnu", "--build-id=none",
		"-z", "noexecstack", "-z", "norelro", "-z", "noseparate-code", "-z", "max-page-size=4096", "go.o")
	if err != nil {
		return "", fmt.Errorf("ld: %w: %s", err, output)
	}
	return made, nil
}

func (b *builder) run(directory, program string, arguments ...string) (string, error) {
	command := exec.Command(program, arguments...)
	command.Dir = directory
	command.Env = []string{"GOGC=off", "TMPDIR=" + directory, "PATH=/usr/bin:/bin", "LC_ALL=C"}
	command.SysProcAttr = apart()
	output, err := command.CombinedOutput()
	return string(output), err
}

func (b *builder) writeImports(directory string, imports []string) error {
	var text bytes.Buffer
	for _, path := range append(imports, aidPath, "runtime") {
		if file, ok := b.world.exports(path); ok {
			fmt.Fprintf(&text, "packagefile %s=%s\n", path, file)
		}
	}
	return os.WriteFile(filepath.Join(directory, "imports"), text.Bytes(), 0o600)
}

// stubFor returns a library with only those symbols that an archive needs, if these can be known, or the whole one.
func (b *builder) stubFor(directory, archive string) (string, error) {
	raw, err := os.ReadFile(archive)
	if err != nil {
		return "", err
	}
	names := references(raw)
	if names == nil {
		return b.library.path, nil
	}
	path := filepath.Join(directory, libraryName)
	return path, os.WriteFile(path, b.library.stub(names), 0o600)
}

func (b *builder) linkGo(directory, archive, path, library string) (string, error) {
	var text bytes.Buffer
	for _, name := range b.Packages {
		fmt.Fprintf(&text, "packageshlib %s=%s\n", name, library)
	}
	for name, path := range b.extra {
		fmt.Fprintf(&text, "packageshlib %s=%s\n", name, path)
	}
	if err := os.WriteFile(filepath.Join(directory, "libraries"), text.Bytes(), 0o600); err != nil {
		return "", err
	}
	return b.run(directory, b.Link, "-w", "-o", "unused.so", "-importcfg", "libraries", "-linkshared",
		"-buildmode=shared", "-tmpdir", directory, "-extld", b.True,
		"execd/first="+filepath.Join(b.world.place, "first.a"), path+"="+archive)
}

var diagnosis = regexp.MustCompile(`^(?:\S*?/)?cell\[\d+\]:(\d+)(?::(\d+))?: (.*)$`)

func diagnose(output string) []fault {
	var faults []fault
	for _, line := range strings.Split(output, "\n") {
		if m := diagnosis.FindStringSubmatch(line); m != nil {
			row, _ := strconv.Atoi(m[1])
			column, _ := strconv.Atoi(m[2])
			faults = append(faults, fault{row, max(column, 1), plain(m[3])})
		}
	}
	return faults
}
