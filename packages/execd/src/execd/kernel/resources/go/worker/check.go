package worker

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"runtime"
	"strings"
)

// checked is a text of which the types are known.
type checked struct {
	text    string
	files   *token.FileSet
	file    *ast.File
	info    *types.Info
	scope   *types.Scope
	unused  map[token.Pos]bool // variables that nothing uses: no error in a cell
	faults  []fault
	blamed  []*definition // to which the faults belong, or nil
	outside []string      // faults that have no place in the cell
}

// check finds the types of a text and what is wrong with it.
func (u *unit) check(text string) *checked {
	c := &checked{text: text, files: token.NewFileSet(), unused: map[token.Pos]bool{}}
	file, err := parser.ParseFile(c.files, "cell.go", text, parser.SkipObjectResolution)
	if err != nil {
		c.outside = append(c.outside, plain(err.Error()))
		return c
	}
	c.file = file
	c.info = &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{},
		Defs: map[*ast.Ident]types.Object{}, Implicits: map[ast.Node]types.Object{},
	}
	config := types.Config{
		Importer: u.plan.world.importer,
		Sizes:    types.SizesFor("gc", runtime.GOARCH),
		Error:    func(err error) { u.note(c, err) },
	}
	known, _ := config.Check("main", c.files, []*ast.File{file}, c.info)
	c.scope = known.Scope()
	return c
}

func (u *unit) note(c *checked, err error) {
	e, ok := err.(types.Error)
	if !ok {
		c.outside = append(c.outside, plain(err.Error()))
		return
	}
	offset := c.files.PositionFor(e.Pos, false).Offset
	switch {
	case strings.Contains(e.Msg, "declared and not used"):
		c.unused[e.Pos] = true
		return
	case u.assumed && strings.HasPrefix(e.Msg, "initialization cycle"), strings.HasPrefix(e.Msg, "\t"):
		return
	case u.assumed && strings.HasSuffix(e.Msg, "is not used"):
		// Whether the last expression is shown is decided when its type is known.
		return
	case strings.HasSuffix(e.Msg, "imported and not used"), strings.Contains(e.Msg, "imported and not used"):
		return
	}
	place := c.files.PositionFor(e.Pos, true)
	c.faults = append(c.faults, fault{place.Line, place.Column, plain(strings.ReplaceAll(e.Msg, aid+".", ""))})
	c.blamed = append(c.blamed, u.owner(offset))
}

// owner returns the definition whose text is at a byte.
func (u *unit) owner(offset int) *definition {
	for _, r := range u.regions {
		if r.from <= offset && offset < r.to {
			return r.owner
		}
	}
	return nil
}

// settled is a cell that is understood: its text for the compiler, with the types of everything in it.
type settled struct {
	*plan
	*checked
}

// settle understands a cell as far as the compiler would: what was declared before and does not go with what the cell
// declares anew is left as it is.
func (s *session) settle(code string, pieces []piece, world *world) (*settled, []fault) {
	left := map[*definition]bool{}
	for {
		p, faults := s.understand(code, pieces, world, left)
		if faults != nil {
			return nil, faults
		}
		u := p.unit(true)
		c := u.check(u.write(append(append([]*definition(nil), p.added...), p.carried...)))
		if c.leave(left) {
			continue
		}
		if faults := c.all(p.cell); faults != nil {
			return nil, faults
		}
		p.learn(c, u)
		final := p.unit(false)
		text := final.write(nil)
		c = final.check(text)
		if faults := c.all(p.cell); faults != nil {
			return nil, faults
		}
		return &settled{p, c}, nil
	}
}

// leave takes note of what cannot be carried over, and tells whether there is any that was not known.
func (c *checked) leave(left map[*definition]bool) bool {
	found := false
	for _, d := range c.blamed {
		if d != nil && d.origin != nil && !left[d.root()] {
			left[d.root()] = true
			found = true
		}
	}
	return found
}

func (c *checked) all(cell int) []fault {
	faults := c.faults
	for _, message := range c.outside {
		faults = append(faults, fault{1, 1, message})
	}
	return faults
}
