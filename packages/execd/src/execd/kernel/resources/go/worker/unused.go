package worker

import (
	"go/ast"
)

// useVariables uses those variables that nothing uses, right behind where they are declared: Go takes them for errors.
func (i *instrument) useVariables() {
	if len(i.unused) == 0 {
		return
	}
	var path []ast.Node
	ast.Inspect(i.file, func(node ast.Node) bool {
		if node == nil {
			path = path[:len(path)-1]
			return true
		}
		path = append(path, node)
		if name, ok := node.(*ast.Ident); ok && i.unused[name.Pos()] {
			i.useVariable(name, path)
		}
		return true
	})
}

func (i *instrument) useVariable(name *ast.Ident, path []ast.Node) {
	for at := len(path) - 2; at > 0; at-- {
		switch n := path[at].(type) {
		case *ast.AssignStmt, *ast.DeclStmt:
			i.useBehind(name, n, path[at-1])
			return
		case *ast.RangeStmt:
			i.insert(n.Body.Lbrace+1, " _ = %s; ", name.Name)
			return
		}
	}
}

func (i *instrument) useBehind(name *ast.Ident, declared, parent ast.Node) {
	switch p := parent.(type) {
	case *ast.BlockStmt, *ast.CaseClause, *ast.LabeledStmt:
		i.insert(declared.End(), "; _ = %s", name.Name)
	case *ast.CommClause:
		if p.Comm == declared {
			i.insert(p.Colon+1, " _ = %s; ", name.Name)
		} else {
			i.insert(declared.End(), "; _ = %s", name.Name)
		}
	case *ast.IfStmt:
		i.insert(p.Body.Lbrace+1, " _ = %s; ", name.Name)
	case *ast.ForStmt:
		i.insert(p.Body.Lbrace+1, " _ = %s; ", name.Name)
	case *ast.SwitchStmt:
		i.useInSwitch(name, p.Body)
	case *ast.TypeSwitchStmt:
		i.useInSwitch(name, p.Body)
	}
}

func (i *instrument) useInSwitch(name *ast.Ident, body *ast.BlockStmt) {
	for _, clause := range body.List {
		if c, ok := clause.(*ast.CaseClause); ok {
			i.insert(c.Colon+1, " _ = %s; ", name.Name)
			return
		}
	}
}
