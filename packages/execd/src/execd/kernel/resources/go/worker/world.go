package worker

import (
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// world is what cells can import, and where it lies.
type world struct {
	place    string // the directory that was prepared
	files    *token.FileSet
	importer types.Importer
	builder  *builder
	extra    map[string]string // packages of a module: path → export data
}

func newWorld(place string) *world {
	w := &world{place: place, files: token.NewFileSet(), extra: map[string]string{}}
	w.importer = importer.ForCompiler(w.files, "gc", func(path string) (io.ReadCloser, error) {
		name, ok := w.exports(path)
		if !ok {
			return nil, fmt.Errorf("package %s is not in std", path)
		}
		return os.Open(name)
	})
	return w
}

// exports returns the file with what a package exports.
func (w *world) exports(path string) (string, bool) {
	if name, ok := w.extra[path]; ok {
		return name, true
	}
	name := filepath.Join(w.place, "exports", filepath.FromSlash(path)+".a")
	_, err := os.Stat(name)
	return name, err == nil
}

// find returns a package by its path.
func (w *world) find(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	if path == "C" {
		return nil, fmt.Errorf("import \"C\" is not possible in a cell")
	}
	if path == "" || strings.HasPrefix(path, "execd/") || internal(path) {
		return nil, fmt.Errorf("use of internal package %s not allowed", path)
	}
	if _, ok := w.exports(path); !ok {
		return nil, fmt.Errorf("package %s is not in std", path)
	}
	return w.importer.Import(path)
}

func internal(path string) bool {
	for _, part := range strings.Split(path, "/") {
		if part == "internal" {
			return true
		}
	}
	return strings.HasPrefix(path, "vendor/")
}

// exported returns something that a package exports, to be mentioned so that its import is no error.
func (w *world) exported(path string) string {
	known, err := w.find(path)
	if err != nil {
		return ""
	}
	for _, name := range known.Scope().Names() {
		object := known.Scope().Lookup(name)
		if f, ok := object.(*types.Func); ok && f.Exported() && f.Type().(*types.Signature).TypeParams().Len() == 0 {
			return name
		}
	}
	return ""
}
