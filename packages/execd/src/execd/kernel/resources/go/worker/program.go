package worker

import (
	"go/ast"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
)

// isProgram tells a whole program: a package clause, a function main, and nothing outside of functions but declarations.
func isProgram(pieces []piece) bool {
	if len(pieces) == 0 || pieces[0].kind != clause {
		return false
	}
	hasMain := false
	for _, p := range pieces {
		switch p.kind {
		case statement:
			return false
		case function:
			hasMain = hasMain || strings.HasPrefix(strings.Join(strings.Fields(p.text), " "), "func main()")
		}
	}
	return hasMain
}

// program checks a whole program. Nothing is put into it, and it knows nothing of the session.
func (s *server) program(code string, pieces []piece) (*settled, []fault) {
	for _, p := range pieces {
		if p.kind != clause {
			if _, faults := p.parse(code); faults != nil {
				return nil, faults
			}
		}
	}
	p := &plan{session: newSession(), world: s.world, code: code, cell: s.session.cells}
	u := p.unit(false)
	text := "//line " + cellName(p.cell) + ":1:1\n" + code
	c := u.check(text)
	if faults := c.all(p.cell); faults != nil {
		return nil, faults
	}
	i := &instrument{checked: c, plain: map[ast.Node]bool{}}
	i.useVariables()
	i.hideExports()
	c.text = dropUnused(c, apply(c.text, i.edits))
	return &settled{p, c}, nil
}

// dropUnused makes imports that nothing uses blank ones.
func dropUnused(c *checked, text string) string {
	used := map[*types.PkgName]bool{}
	for _, object := range c.info.Uses {
		if name, ok := object.(*types.PkgName); ok {
			used[name] = true
		}
	}
	var edits []edit
	for _, spec := range c.file.Imports {
		var object types.Object = c.info.Implicits[spec]
		if spec.Name != nil {
			object = c.info.Defs[spec.Name]
		}
		if name, ok := object.(*types.PkgName); ok && !used[name] {
			from, to := spec.Pos(), spec.Path.Pos()
			edits = append(edits, edit{from: c.files.PositionFor(from, false).Offset, to: c.files.PositionFor(to, false).Offset, text: "_ "})
		}
	}
	// Imports stand before everything else that is edited.
	return apply(text, edits)
}

// imported returns the paths of the packages that a text imports.
func (c *checked) imported() []string {
	var paths []string
	for _, spec := range c.file.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil && path != aidPath {
			paths = append(paths, path)
		}
	}
	return paths
}

// buildProgram compiles a program into a file that is nowhere but in memory.
func (b *builder) buildProgram(text string, imports []string) (*os.File, error) {
	directory, err := temporary()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(directory)
	path, err := b.compile(directory, text, imports)
	if err != nil {
		return nil, err
	}
	return inMemory(path)
}

// programCommand runs a program by this very executable, which has all of Go's packages already.
func programCommand(file *os.File) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		self = "/proc/self/exe"
	}
	command := exec.Command(self, "--program", "3")
	command.Args[0] = filepath.Base(self)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.ExtraFiles = []*os.File{file}
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return command
}

// runProgram is what happens in the program's process.
func runProgram(number string) {
	debug.SetMaxStack(maxStackBytes)
	file := descriptor(number)
	library, err := loadFile(file)
	file.Close()
	os.Args = []string{"main"}
	if err != nil {
		panic(err)
	}
	library.initialize("main")
	library.function("main.main")()
}

// apart keeps a compiler from what an interrupt sends to the group, and from outliving this process.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
