package worker

import (
	"go/ast"
	"maps"
	"strconv"
)

// step is a statement of a cell, with what its names mean where it stands.
type step struct {
	piece
	syntax
	line, column int
	needs        scope
	variables    []*definition // of its assignments, in the order of their names; nil for _
	previous     []binding     // what the names of these meant before
	result       bool          // whether its value is the cell's
	values       int           // how many values the cell's last call has
}

// plan is a cell that is being understood: what it declares and does, and what follows for what was declared before.
type plan struct {
	*session
	world   *world
	code    string
	cell    int
	scope   scope // what names mean after the cell
	steps   []*step
	added   []*definition
	carried []*definition // new versions of what needs something that the cell declares anew
	calls   []string      // functions that are called because of their names
	dots    []string
	left    map[*definition]bool // what stays as it is, since it does not compile with what the cell declares
}

// understand reads a cell; what the session holds is not touched.
func (s *session) understand(code string, pieces []piece, world *world, left map[*definition]bool) (*plan, []fault) {
	p := &plan{session: s, world: world, code: code, cell: s.cells, scope: maps.Clone(s.scope), dots: s.dots, left: left}
	var declared, methods []*definition
	for _, piece := range pieces {
		syntax, faults := piece.parse(code)
		if faults != nil {
			return nil, faults
		}
		line, column := place(code, piece.offset)
		switch piece.kind {
		case clause:
		case imports:
			if faults := p.bring(piece, syntax.imports); faults != nil {
				return nil, faults
			}
		case constants, typed, function, method:
			d := &definition{piece: piece, syntax: syntax, cell: p.cell, line: line, column: column}
			if piece.kind == method {
				methods = append(methods, d)
			} else {
				declared = append(declared, d)
			}
		default:
			p.steps = append(p.steps, &step{piece: piece, syntax: syntax, line: line, column: column})
		}
	}
	if len(p.steps) > 0 {
		last := p.steps[len(p.steps)-1]
		last.result = last.expression && !last.silent && last.offset > lastDeclaration(declared, methods)
	}
	if faults := p.declare(declared, methods); faults != nil {
		return nil, faults
	}
	p.carry()
	return p, nil
}

func lastDeclaration(lists ...[]*definition) int {
	offset := -1
	for _, list := range lists {
		for _, d := range list {
			offset = max(offset, d.offset)
		}
	}
	return offset
}

// bring makes packages known.
func (p *plan) bring(piece piece, specs []*ast.ImportSpec) []fault {
	for _, spec := range specs {
		path, err := strconv.Unquote(spec.Path.Value)
		offset := piece.offset + int(spec.Pos()) - len(declarationPrefix) - 1
		if err != nil {
			return []fault{at(p.code, offset, "invalid import path: "+spec.Path.Value)}
		}
		known, err := p.world.find(path)
		if err != nil {
			return []fault{at(p.code, offset, err.Error())}
		}
		name := known.Name()
		if spec.Name != nil {
			name = spec.Name.Name
		}
		switch name {
		case "_":
		case ".":
			p.dots = append(p.dots[:len(p.dots):len(p.dots)], path)
		default:
			p.scope[name] = binding{path: path, name: name}
		}
	}
	return nil
}

// declare finds out what the cell declares and what each name in it means.
func (p *plan) declare(declared, methods []*definition) []fault {
	owners := map[string]*definition{}
	for _, d := range declared {
		for _, name := range d.names {
			owners[name] = d
		}
	}
	for _, method := range methods {
		owner := owners[method.receiver]
		if owner == nil {
			old, ok := p.session.scope[method.receiver]
			if !ok || old.definition == nil || old.kind != typed {
				return []fault{at(p.code, method.offset, "undefined: "+method.receiver)}
			}
			owner = old.definition.copy()
			for _, name := range owner.names {
				owners[name] = owner
			}
			declared = append(declared, owner)
		}
		owner.setMethod(method)
	}
	for _, d := range declared {
		p.inheritMethods(d)
	}
	p.settle(declared)
	p.sequence()
	for _, d := range p.added {
		d.resolve(p.scope)
	}
	return nil
}

func (d *definition) setMethod(method *definition) {
	for i, m := range d.methods {
		if m.receiver == method.receiver && m.method == method.method {
			d.methods[i] = method
			return
		}
	}
	d.methods = append(d.methods, method)
}

// inheritMethods keeps the methods of a type that is declared again.
func (p *plan) inheritMethods(d *definition) {
	if d.kind != typed {
		return
	}
	for _, name := range d.names {
		old, ok := p.session.scope[name]
		if !ok || old.definition == nil || old.kind != typed {
			continue
		}
		for _, method := range old.methods {
			if method.receiver == name && d.findMethod(name, method.method) == nil && !p.left[method.root()] {
				m := *method
				m.origin = method.root()
				d.methods = append(d.methods, &m)
			}
		}
	}
}

// settle tells what is new among the declarations from what only repeats what is known.
func (p *plan) settle(declared []*definition) {
	stands := map[*definition]*definition{}
	for _, d := range declared {
		if old, ok := p.session.scope[first(d.names)]; ok && old.definition != nil {
			stands[d] = old.definition
		}
	}
	trial := maps.Clone(p.scope)
	for _, d := range declared {
		for _, name := range d.names {
			trial[name] = binding{definition: d, name: name}
		}
	}
	for _, d := range declared {
		d.resolve(trial)
	}
	for changed := true; changed; {
		changed = false
		for d, old := range stands {
			if !d.same(old, stands) {
				delete(stands, d)
				changed = true
			}
		}
	}
	for _, d := range declared {
		if old, ok := stands[d]; ok {
			p.bind(old)
			p.callByName(old)
			continue
		}
		p.define(d)
		p.added = append(p.added, d)
		p.bind(d)
		p.callByName(d)
	}
}

func (p *plan) bind(d *definition) {
	for _, name := range d.names {
		p.scope[name] = binding{definition: d, name: name}
	}
}

// callByName takes note of functions that Go calls by itself.
func (p *plan) callByName(d *definition) {
	if d.kind == function && (d.names[0] == "init" || d.names[0] == "main") {
		p.calls = append(p.calls, d.names[0])
	}
}

// sequence says what names mean at each statement, where every variable hides what had its name before.
func (p *plan) sequence() {
	number := 0
	for _, s := range p.steps {
		s.needs = scope{}
		for _, use := range s.uses {
			if b, ok := p.scope[use.name]; ok && !use.own {
				s.needs[use.name] = b
			}
		}
		for _, a := range s.assignments {
			for _, name := range a.names {
				number++
				s.declareVariable(p, name.name, number)
			}
		}
	}
}

func (s *step) declareVariable(p *plan, name string, number int) {
	if name == "_" {
		s.variables, s.previous = append(s.variables, nil), append(s.previous, binding{})
		return
	}
	d := &definition{cell: p.cell, line: s.line, column: s.column, variable: true}
	d.kind, d.names = variables, []string{name}
	d.compiled = map[string]string{name: name + mark + "0" + strconv.Itoa(number)}
	s.variables, s.previous = append(s.variables, d), append(s.previous, p.scope[name])
	p.scope[name] = binding{definition: d, name: name}
}
