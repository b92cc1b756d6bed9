// Command prepare makes what the worker needs of one toolchain: a shared library with Go's packages and the worker's,
// the program, and what the packages export. It is run once, by `go run main.go OUT SOURCES GO`.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

const libraryName = "libexecdgo.so"

type maker struct {
	out, sources, program string
	tools                 string
	minor                 int
	archives              map[string]string // package → archive
}

func main() {
	if len(os.Args) != 4 {
		fail(fmt.Errorf("usage: prepare OUT SOURCES GO"))
	}
	m := &maker{out: os.Args[1], sources: os.Args[2], program: os.Args[3], archives: map[string]string{}}
	m.learn()
	m.compileStandard()
	m.compileOwn()
	m.linkLibrary()
	m.linkProgram()
	m.writeExports()
	m.compile("execd/first", "first")
	m.rename("execd_first.a", "first.a")
	m.writeToolchain()
	os.Remove(filepath.Join(m.out, "imports"))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "error:", err)
	os.Exit(1)
}

func (m *maker) run(program string, arguments ...string) string {
	command := exec.Command(program, arguments...)
	command.Dir = m.out
	var output, messages bytes.Buffer
	command.Stdout, command.Stderr = &output, &messages
	if err := command.Run(); err != nil {
		fmt.Fprintln(os.Stderr, messages.String()+output.String())
		fail(fmt.Errorf("%s %s failed: %w", filepath.Base(program), arguments[0], err))
	}
	return output.String()
}

func (m *maker) learn() {
	lines := strings.Split(m.run(m.program, "env", "GOTOOLDIR", "GOVERSION"), "\n")
	m.tools = lines[0]
	parts := strings.Split(strings.TrimPrefix(lines[1], "go"), ".")
	m.minor, _ = strconv.Atoi(strings.TrimFunc(parts[1], func(r rune) bool { return r < '0' || r > '9' }))
}

// compileStandard compiles Go's packages as code that refers to symbols by name, in whatever library they are.
func (m *maker) compileStandard() {
	text := m.run(m.program, "list", "-linkshared", "-buildmode=shared", "-gcflags=all=-linkshared",
		"-asmflags=all=-linkshared", "-trimpath", "-export", "-f", "{{if .Export}}{{.ImportPath}}={{.Export}}{{end}}", "std")
	for _, line := range strings.Fields(text) {
		path, archive, _ := strings.Cut(line, "=")
		m.archives[path] = archive
	}
}

func (m *maker) compileOwn() {
	m.compile("execd/cell", "cell")
	m.compile("execd/worker", "worker")
}

func (m *maker) compile(path, directory string) {
	files, err := filepath.Glob(filepath.Join(m.sources, directory, "*.go"))
	if err != nil || len(files) == 0 {
		fail(fmt.Errorf("there are no sources in %s", directory))
	}
	var config strings.Builder
	for _, name := range m.sorted() {
		fmt.Fprintf(&config, "packagefile %s=%s\n", name, m.archives[name])
	}
	m.write("imports", config.String())
	archive := filepath.Join(m.out, strings.ReplaceAll(path, "/", "_")+".a")
	m.run(filepath.Join(m.tools, "compile"), append([]string{"-o", archive, "-p", path, "-lang=go1.22", "-importcfg", "imports",
		"-trimpath", m.sources + "=>execd", "-dynlink", "-linkshared", "-pack"}, files...)...)
	m.archives[path] = archive
}

func (m *maker) sorted() []string {
	var names []string
	for name := range m.archives {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (m *maker) write(name, text string) {
	if err := os.WriteFile(filepath.Join(m.out, name), []byte(text), 0o644); err != nil {
		fail(err)
	}
}

func (m *maker) rename(from, to string) {
	delete(m.archives, "execd/first")
	if err := os.Rename(filepath.Join(m.out, from), filepath.Join(m.out, to)); err != nil {
		fail(err)
	}
}

// linked returns the arguments of the linker that differ from version to version.
func (m *maker) linked(arguments ...string) []string {
	if m.minor >= 23 {
		return append([]string{"-checklinkname=0"}, arguments...)
	}
	return arguments
}

func (m *maker) linkLibrary() {
	var config strings.Builder
	arguments := m.linked("-w", "-s", "-o", libraryName, "-importcfg", "packages", "-installsuffix", "dynlink",
		"-buildmode=shared", "-linkshared")
	for _, name := range m.sorted() {
		fmt.Fprintf(&config, "packagefile %s=%s\n", name, m.archives[name])
		arguments = append(arguments, name+"="+m.archives[name])
	}
	m.write("packages", config.String())
	m.run(filepath.Join(m.tools, "link"), arguments...)
}

func (m *maker) linkProgram() {
	var config strings.Builder
	for _, name := range m.sorted() {
		fmt.Fprintf(&config, "packagefile %s=%s\npackageshlib %s=%s\n", name, m.archives[name], name, filepath.Join(m.out, libraryName))
	}
	m.compile("main", "host")
	m.write("packages", config.String())
	m.run(filepath.Join(m.tools, "link"), m.linked("-w", "-s", "-o", "worker", "-importcfg", "packages", "-linkshared",
		"-buildmode=exe", "-r", "$ORIGIN", m.archives["main"])...)
	for _, name := range []string{"main", "execd/cell", "execd/worker"} {
		defer os.Remove(m.archives[name])
	}
	delete(m.archives, "main")
	m.writeExport("execd/cell")
	os.Remove(filepath.Join(m.out, "packages"))
}

// writeExports keeps what the compiler reads of the packages, and not their code, which is in the library.
func (m *maker) writeExports() {
	for _, name := range m.sorted() {
		if !strings.HasPrefix(name, "execd/") {
			m.writeExport(name)
		}
	}
}

func (m *maker) writeExport(name string) {
	const magic, headerBytes, sizeAt = "!<arch>\n", 60, 48
	raw, err := os.ReadFile(m.archives[name])
	if err != nil {
		fail(err)
	}
	end := len(magic) + headerBytes
	size, err := strconv.Atoi(strings.TrimSpace(string(raw[len(magic)+sizeAt : len(magic)+sizeAt+10])))
	if err != nil || !bytes.HasPrefix(raw[len(magic):], []byte("__.PKGDEF")) {
		fail(fmt.Errorf("%s has no export data", name))
	}
	path := filepath.Join(m.out, "exports", filepath.FromSlash(name)+".a")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		fail(err)
	}
	if err := os.WriteFile(path, raw[:min(end+size+size%2, len(raw))], 0o644); err != nil {
		fail(err)
	}
}

func (m *maker) writeToolchain() {
	find := func(name string) string {
		path, err := exec.LookPath(name)
		if err != nil {
			fail(err)
		}
		return path
	}
	raw, err := json.Marshal(map[string]any{
		"compile": filepath.Join(m.tools, "compile"), "link": filepath.Join(m.tools, "link"), "ld": find("ld"),
		"true": find("true"), "lang": fmt.Sprintf("go1.%d", m.minor), "packages": m.sorted(),
	})
	if err != nil {
		fail(err)
	}
	m.write("toolchain.json", string(raw))
}
