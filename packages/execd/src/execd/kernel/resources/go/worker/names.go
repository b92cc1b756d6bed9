package worker

import (
	"maps"
	"sort"
	"strconv"
	"strings"
)

// definition is a declaration, or the place of a variable, that lasts from cell to cell.
//
// Every cell is compiled by itself, with those definitions that it needs, as a part of one and the same package: the
// dynamic loader makes symbols of the same name one. So a name in compiled code must never mean two different things;
// what is defined anew gets a new version.
type definition struct {
	piece
	syntax
	cell         int
	line, column int
	compiled     map[string]string  // name → name in the compiled code
	needs        map[string]binding // name → what it means here
	methods      []*definition
	variable     bool
	local        bool        // a variable whose type cannot be written down: it lasts for the cell
	assumed      string      // of a variable of the cell: its name while its type is not known
	origin       *definition // what it is another version of, though it was not declared again
}

// root returns the definition that was declared.
func (d *definition) root() *definition {
	if d.origin != nil {
		return d.origin
	}
	return d
}

// binding is what a name means: a definition, or else a package.
type binding struct {
	*definition
	name string // of the definition
	path string
}

func (b binding) compiledName() string { return b.compiled[b.name] }

// scope is what names mean at a place.
type scope map[string]binding

// session is what lasts from cell to cell.
type session struct {
	scope    scope
	versions map[string]int
	dots     []string // packages whose names are used as if they were declared here
	cells    int
}

func newSession() *session {
	return &session{scope: scope{}, versions: map[string]int{}}
}

// fresh returns a name for compiled code that nothing else has had.
func (s *session) fresh(name string) string {
	s.versions[name]++
	if version := s.versions[name]; version > 1 || name == "main" || name == "init" {
		return name + mark + strconv.Itoa(version)
	}
	return name
}

func (s *session) define(d *definition) {
	d.compiled = map[string]string{}
	for _, name := range d.names {
		d.compiled[name] = s.fresh(name)
	}
}

// resolve looks up what a definition, and its methods, need.
func (d *definition) resolve(in scope) {
	d.needs = map[string]binding{}
	for _, use := range d.uses {
		if b, ok := in[use.name]; ok && !use.own {
			d.needs[use.name] = b
		}
	}
	for _, method := range d.methods {
		method.resolve(in)
	}
}

// needed calls visit for everything that a definition needs directly.
func (d *definition) needed(visit func(binding)) {
	for _, name := range sorted(d.needs) {
		visit(d.needs[name])
	}
	for _, method := range d.methods {
		for _, name := range sorted(method.needs) {
			visit(method.needs[name])
		}
	}
}

func sorted[T any](m map[string]T) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// same tells whether two definitions say the same in the same words, and mean the same by them.
func (d *definition) same(other *definition, stands map[*definition]*definition) bool {
	if d.kind != other.kind || d.text != other.text || len(d.methods) != len(other.methods) || d.variable || other.variable {
		return false
	}
	for name, b := range d.needs {
		o, ok := other.needs[name]
		if !ok || b.path != o.path || !alike(b.definition, o.definition, stands) {
			return false
		}
	}
	for _, method := range d.methods {
		o := other.findMethod(method.receiver, method.method)
		if o == nil || !method.same(o, stands) {
			return false
		}
	}
	return len(d.needs) == len(other.needs)
}

func alike(a, b *definition, stands map[*definition]*definition) bool {
	return a == b || a != nil && stands[a] == b
}

func (d *definition) findMethod(receiver, name string) *definition {
	for _, method := range d.methods {
		if method.receiver == receiver && method.method == name {
			return method
		}
	}
	return nil
}

// layoutOf returns what tells whether values of a type can be taken for values of another version of it.
func (d *definition) layoutOf(visiting map[*definition]bool) string {
	if d.kind != typed || d.variable {
		return strings.Join(sorted(d.compiled), ",") + "=" + d.compiled[first(d.names)]
	}
	if visiting[d] {
		return first(d.names)
	}
	visiting[d] = true
	defer delete(visiting, d)
	var b strings.Builder
	b.WriteString(d.text)
	for _, name := range sorted(d.needs) {
		need := d.needs[name]
		b.WriteString("\x00" + name + "\x01" + need.path)
		if need.definition != nil {
			b.WriteString(need.layoutOf(visiting))
		}
	}
	return b.String()
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// copy returns a definition that is to become another version of this one.
func (d *definition) copy() *definition {
	c := *d
	c.origin = d.root()
	c.needs = maps.Clone(d.needs)
	c.compiled = maps.Clone(d.compiled)
	c.methods = nil
	for _, method := range d.methods {
		m := *method
		m.origin = method.root()
		m.needs = maps.Clone(method.needs)
		c.methods = append(c.methods, &m)
	}
	return &c
}
