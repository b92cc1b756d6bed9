package worker

import (
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"strings"
)

// use is an identifier of a piece that means something outside of it, or that the piece itself declares.
type use struct {
	offset int // in the text of the piece
	name   string
	own    bool // whether the piece declares it
	field  bool // whether it is an embedded type, after which a field is named
}

// span is a part of a piece's text.
type span struct{ from, to int }

func (s span) of(text string) string { return text[s.from:s.to] }

// assignment gives variables their values: `a, b := f()`, or one line of `var`.
type assignment struct {
	names  []use
	left   span // the names
	right  span // the values; empty where there are none
	whole  span
	inline bool // whether it is written with :=
}

// syntax is what the grammar alone says about a piece.
type syntax struct {
	names       []string // what it declares
	uses        []use
	assignments []assignment
	receiver    string // of a method: the name of its type
	method      string
	expression  bool // a statement that is nothing but an expression
	call        bool // an expression that may stand as a statement
	imports     []*ast.ImportSpec
}

const (
	declarationPrefix = "package p;"
	statementPrefix   = "package p;func _(){"
)

func (p piece) parse(code string) (syntax, []fault) {
	prefix, suffix := declarationPrefix, ""
	if p.kind == statement {
		prefix, suffix = statementPrefix, "\n}"
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", prefix+p.text+suffix, parser.AllErrors)
	if err != nil {
		return syntax{}, p.faults(code, len(prefix), err)
	}
	r := reader{text: p.text, base: files.File(file.Pos()).Base() + len(prefix), file: file}
	r.read(p.kind)
	return r.syntax, nil
}

func (p piece) faults(code string, prefix int, err error) []fault {
	list, ok := err.(scanner.ErrorList)
	if !ok {
		return []fault{at(code, p.offset, err.Error())}
	}
	first := list[0]
	offset := first.Pos.Offset - prefix
	if offset >= len(p.text) {
		// What the parser says is about what was put behind the text.
		return []fault{at(code, p.offset+len(p.text), "syntax error: unexpected end of the statement")}
	}
	return []fault{at(code, p.offset+offset, "syntax error: "+first.Msg)}
}

type reader struct {
	syntax
	text string
	base int
	file *ast.File
}

func (r *reader) offset(position token.Pos) int { return int(position) - r.base }

func (r *reader) span(from, to token.Pos) span { return span{r.offset(from), r.offset(to)} }

func (r *reader) read(kind kind) {
	r.readUses()
	if kind == statement {
		r.readStatement(r.file.Decls[0].(*ast.FuncDecl).Body.List)
		return
	}
	r.imports = r.file.Imports
	for _, declaration := range r.file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				r.names = append(r.names, d.Name.Name)
			} else {
				r.receiver, r.method = receiver(d), d.Name.Name
			}
		case *ast.GenDecl:
			r.readDeclaration(d)
		}
	}
}

func (r *reader) readDeclaration(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			r.names = append(r.names, s.Name.Name)
		case *ast.ValueSpec:
			for _, name := range s.Names {
				if name.Name != "_" {
					r.names = append(r.names, name.Name)
				}
			}
			if d.Tok == token.VAR {
				r.assignments = append(r.assignments, r.assignment(s))
			}
		}
	}
}

func (r *reader) assignment(s *ast.ValueSpec) assignment {
	a := assignment{whole: r.span(s.Pos(), s.End()), left: r.span(s.Pos(), s.Names[len(s.Names)-1].End())}
	for _, name := range s.Names {
		a.names = append(a.names, use{offset: r.offset(name.Pos()), name: name.Name, own: true})
	}
	if len(s.Values) > 0 {
		a.right = r.span(s.Values[0].Pos(), s.End())
	}
	return a
}

func (r *reader) readStatement(list []ast.Stmt) {
	if len(list) != 1 {
		return
	}
	switch s := list[0].(type) {
	case *ast.ExprStmt:
		r.expression, r.call = true, mayStand(s.X)
	case *ast.AssignStmt:
		if s.Tok != token.DEFINE {
			return
		}
		a := assignment{whole: r.span(s.Pos(), s.End()), left: r.span(s.Pos(), s.Lhs[len(s.Lhs)-1].End()), inline: true}
		a.right = r.span(s.Rhs[0].Pos(), s.End())
		for _, left := range s.Lhs {
			name, ok := left.(*ast.Ident)
			if !ok {
				return
			}
			a.names = append(a.names, use{offset: r.offset(name.Pos()), name: name.Name, own: true})
			if name.Name != "_" {
				r.names = append(r.names, name.Name)
			}
		}
		r.uses = append(r.uses, a.names...)
		r.assignments = append(r.assignments, a)
	}
}

func mayStand(expression ast.Expr) bool {
	switch e := ast.Unparen(expression).(type) {
	case *ast.CallExpr:
		return true
	case *ast.UnaryExpr:
		return e.Op == token.ARROW
	}
	return false
}

// readUses finds the identifiers whose meaning is to be looked up outside of the piece, and its own.
func (r *reader) readUses() {
	embedded := r.readEmbedded()
	fields := map[*ast.Ident]bool{}
	free := map[*ast.Ident]bool{}
	for _, name := range r.file.Unresolved {
		free[name] = true
	}
	ast.Inspect(r.file, func(node ast.Node) bool {
		literal, ok := node.(*ast.CompositeLit)
		if !ok {
			return true
		}
		keyed := false
		switch literal.Type.(type) {
		case *ast.MapType, *ast.ArrayType:
			keyed = true
		}
		for _, element := range literal.Elts {
			if pair, ok := element.(*ast.KeyValueExpr); ok {
				if key, ok := pair.Key.(*ast.Ident); ok {
					if keyed && key.Obj == nil {
						free[key] = true
					} else if !keyed {
						fields[key] = true
					}
				}
			}
		}
		return true
	})
	ast.Inspect(r.file, func(node ast.Node) bool {
		name, ok := node.(*ast.Ident)
		if !ok || name.Name == "_" || fields[name] {
			return true
		}
		own := name.Obj != nil && r.file.Scope.Lookup(name.Name) == name.Obj
		if (own || free[name]) && r.offset(name.Pos()) >= 0 {
			r.uses = append(r.uses, use{
				offset: r.offset(name.Pos()), name: name.Name, own: own, field: embedded[name],
			})
		}
		return true
	})
}

// readEmbedded finds the types that structs embed.
func (r *reader) readEmbedded() map[*ast.Ident]bool {
	found := map[*ast.Ident]bool{}
	ast.Inspect(r.file, func(node ast.Node) bool {
		list, ok := node.(*ast.StructType)
		if !ok {
			return true
		}
		for _, field := range list.Fields.List {
			expression := field.Type
			if pointer, ok := expression.(*ast.StarExpr); ok {
				expression = pointer.X
			}
			if name, ok := expression.(*ast.Ident); ok && len(field.Names) == 0 {
				found[name] = true
			}
		}
		return true
	})
	return found
}

func receiver(d *ast.FuncDecl) string {
	if len(d.Recv.List) == 0 {
		return ""
	}
	expression := d.Recv.List[0].Type
	for {
		switch e := expression.(type) {
		case *ast.StarExpr:
			expression = e.X
		case *ast.ParenExpr:
			expression = e.X
		case *ast.IndexExpr:
			expression = e.X
		case *ast.IndexListExpr:
			expression = e.X
		case *ast.Ident:
			return e.Name
		default:
			return ""
		}
	}
}

// plain takes the versions out of a text that is shown.
func plain(text string) string {
	for {
		before, after, found := strings.Cut(text, mark)
		if !found {
			return text
		}
		text = before + strings.TrimLeft(after, "0123456789")
	}
}

// mark stands between a name and its version; nobody types it.
const mark = "ꞏ"
