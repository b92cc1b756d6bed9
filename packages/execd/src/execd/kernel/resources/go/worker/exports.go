package worker

import (
	"go/ast"
	"go/types"
)

// hideExports takes variables and functions with a capital out of what package main exports: the compiler makes a table
// of them for package plugin, and the linker cannot fill it in where their types are in another library.
func (i *instrument) hideExports() {
	for name, object := range i.info.Defs {
		i.hide(name, object)
	}
	for name, object := range i.info.Uses {
		i.hide(name, object)
	}
}

func (i *instrument) hide(name *ast.Ident, object types.Object) {
	switch object.(type) {
	case *types.Var, *types.Func:
		if object.Exported() && object.Parent() == i.scope {
			i.insert(name.Pos(), "%s", mark)
		}
	}
}
