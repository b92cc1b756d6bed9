package worker

import (
	"go/ast"
	"go/types"
)

// learn takes from a checked text the types of the cell's variables, and how many values its last call has.
func (p *plan) learn(c *checked, u *unit) {
	known := map[string]binding{}
	for d := range u.seen {
		for user, compiled := range d.compiled {
			known[compiled] = binding{definition: d, name: user}
		}
	}
	for _, s := range p.steps {
		for i, d := range s.variables {
			if d != nil {
				p.learnVariable(c, d, s.previous[i], known)
			}
		}
		p.joinLocals(s)
		if s.result && s.call {
			s.values = c.values(p)
		}
	}
}

// learnVariable gives a variable its type, and the place of the one that had its name if that had the same type.
func (p *plan) learnVariable(c *checked, d *definition, previous binding, known map[string]binding) {
	name := d.names[0]
	assumed := d.compiled[name]
	object := c.scope.Lookup(assumed)
	if object == nil {
		d.local = true
		d.compiled[name] = name
		return
	}
	w := writer{known: known, needs: map[string]binding{}, world: p.world}
	text, ok := w.write(object.Type())
	if !ok {
		d.local = true
		d.compiled[name] = name
		return
	}
	d.text, d.needs = text, w.needs
	syntax, _ := piece{kind: variables, text: "var x " + text}.parse("")
	for _, use := range syntax.uses {
		if !use.own {
			d.uses = append(d.uses, useAt(use, -len("var x ")))
		}
	}
	if previous.definition != nil && previous.variable && !previous.local {
		if old := c.scope.Lookup(nameIn(previous)); old != nil && types.Identical(old.Type(), object.Type()) {
			d.compiled[name] = previous.compiledName()
			d.line, d.column = previous.line, previous.column
			// Later variables of the cell compare themselves with the one that was assumed.
			d.assumed = assumed
			return
		}
	}
	d.compiled[name] = p.fresh(name)
	d.assumed = assumed
}

// nameIn returns the name that a variable had in the text that was checked.
func nameIn(b binding) string {
	if b.assumed != "" {
		return b.assumed
	}
	return b.compiledName()
}

func useAt(u use, by int) use {
	u.offset += by
	return u
}

// joinLocals makes all variables of an assignment last for the cell only if one of them does.
func (p *plan) joinLocals(s *step) {
	for _, a := range s.assignments {
		if !s.isLocal(a) {
			continue
		}
		for _, name := range a.names {
			if d := s.variable(name); d != nil {
				d.local = true
				d.compiled[name.name] = name.name
			}
		}
	}
}

// values returns how many values the last expression of the cell has that are worth showing.
func (c *checked) values(p *plan) int {
	for _, declaration := range c.file.Decls {
		f, ok := declaration.(*ast.FuncDecl)
		if !ok || f.Name.Name != p.entry() {
			continue
		}
		for i := len(f.Body.List) - 1; i >= 0; i-- {
			if e, ok := f.Body.List[i].(*ast.ExprStmt); ok {
				return c.count(e.X)
			}
		}
	}
	return 0
}

func (c *checked) count(e ast.Expr) int {
	value := c.info.Types[e]
	if value.IsVoid() || value.Type == nil || c.prints(e) {
		return 0
	}
	if tuple, ok := value.Type.(*types.Tuple); ok {
		return tuple.Len()
	}
	return 1
}

// prints tells whether an expression is a call of something that writes, whose results nobody looks at.
func (c *checked) prints(e ast.Expr) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return false
	}
	selector, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return false
	}
	f, ok := c.info.Uses[selector.Sel].(*types.Func)
	if !ok || f.Pkg() == nil {
		return false
	}
	results := f.Type().(*types.Signature).Results()
	writes := results.Len() == 2 && results.At(0).Type() == types.Typ[types.Int]
	switch f.Pkg().Path() {
	case "fmt":
		return writes && len(f.Name()) > 4 && (f.Name()[0] == 'P' || f.Name()[0] == 'F')
	}
	return writes && len(f.Name()) >= 5 && f.Name()[:5] == "Write"
}

// writer writes a type down in terms of what a session knows.
type writer struct {
	known map[string]binding
	needs map[string]binding
	world *world
	fails bool
}

func (w *writer) write(t types.Type) (string, bool) {
	w.visit(t, map[types.Type]bool{})
	text := types.TypeString(t, w.qualify)
	return text, !w.fails
}

func (w *writer) qualify(known *types.Package) string {
	if known.Path() == "main" {
		return ""
	}
	name := known.Name()
	for b, taken := w.needs[name]; taken && b.path != known.Path(); b, taken = w.needs[name] {
		name += mark + "000"
	}
	w.needs[name] = binding{path: known.Path(), name: name}
	return name
}

// visit looks for names that cannot be written outside of where they are declared.
func (w *writer) visit(t types.Type, seen map[types.Type]bool) {
	if t == nil || seen[t] {
		return
	}
	seen[t] = true
	switch t := t.(type) {
	case *types.TypeParam:
		w.fails = true
	case *types.Named:
		w.visitName(t.Obj())
		for i := range t.TypeArgs().Len() {
			w.visit(t.TypeArgs().At(i), seen)
		}
	case interface{ Elem() types.Type }:
		w.visit(t.Elem(), seen)
		if m, ok := t.(*types.Map); ok {
			w.visit(m.Key(), seen)
		}
	case *types.Signature:
		w.visit(t.Params(), seen)
		w.visit(t.Results(), seen)
	case *types.Tuple:
		for i := range t.Len() {
			w.visit(t.At(i).Type(), seen)
		}
	case *types.Struct:
		for i := range t.NumFields() {
			field := t.Field(i)
			if !field.Exported() && field.Pkg().Path() != "main" {
				w.fails = true
			}
			w.visit(field.Type(), seen)
		}
	case *types.Interface:
		for i := range t.NumExplicitMethods() {
			w.visit(t.ExplicitMethod(i).Type(), seen)
		}
	case interface{ Obj() *types.TypeName }:
		w.visitName(t.Obj())
	case *types.Basic:
		if t.Kind() == types.UntypedNil || t.Kind() == types.Invalid {
			w.fails = true
		}
	}
}

func (w *writer) visitName(name *types.TypeName) {
	switch {
	case name.Pkg() == nil:
	case name.Pkg().Path() == "main":
		b, ok := w.known[name.Name()]
		if !ok || name.Parent() != name.Pkg().Scope() {
			w.fails = true
			return
		}
		w.needs[name.Name()] = b
	case !name.Exported() || internal(name.Pkg().Path()):
		w.fails = true
	}
}
