package worker

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// aid is the name under which compiled code has the package of what cells call.
const (
	aid     = "execd" + mark
	aidPath = "execd/cell"
)

// unit is a text for the compiler, made of definitions and of what a cell does.
type unit struct {
	plan    *plan
	body    strings.Builder
	regions []region
	seen    map[*definition]bool
	taken   map[string]bool   // names of definitions
	paths   map[string]string // name → package
	aliases map[string]string // the user's names of embedded types → those in compiled code
	stored  map[string]bool   // variables that are there: two versions of one may share a place
	assumed bool              // whether variables of the cell get the types of their values
}

// region says whose text it is, from one byte to another.
type region struct {
	from, to int
	owner    *definition
}

func (p *plan) unit(assumed bool) *unit {
	return &unit{plan: p, seen: map[*definition]bool{}, taken: map[string]bool{}, aliases: map[string]string{}, stored: map[string]bool{}, paths: map[string]string{}, assumed: assumed}
}

// collect finds what is needed, and what that needs.
func (u *unit) collect(d *definition, into *[]*definition) {
	if d == nil || u.seen[d] {
		return
	}
	u.seen[d] = true
	for _, name := range d.compiled {
		u.taken[name] = true
	}
	*into = append(*into, d)
	d.needed(func(b binding) { u.collect(b.definition, into) })
}

// write makes the text: `roots` and what the cell's statements need, then the statements.
func (u *unit) write(roots []*definition) string {
	var all []*definition
	for _, d := range roots {
		u.collect(d, &all)
	}
	for _, s := range u.plan.steps {
		for _, name := range sorted(s.needs) {
			u.collect(s.needs[name].definition, &all)
		}
		for i, d := range s.variables {
			u.collect(d, &all)
			if u.assumed {
				u.collect(s.previous[i].definition, &all)
			}
		}
	}
	for _, name := range u.plan.calls {
		u.collect(u.plan.scope[name].definition, &all)
	}
	for _, d := range all {
		u.define(d)
	}
	u.writeSteps()
	return u.assemble()
}

func (u *unit) assemble() string {
	var head strings.Builder
	head.WriteString("package main\n")
	fmt.Fprintf(&head, "import %s %q\n", aid, aidPath)
	for _, name := range sorted(u.paths) {
		fmt.Fprintf(&head, "import %s %q\n", name, u.paths[name])
	}
	used := ""
	for _, path := range u.plan.dots {
		if name := u.plan.world.exported(path); name != "" {
			fmt.Fprintf(&head, "import . %q\n", path)
			used += "var _ = " + name + "\n"
		}
	}
	for _, name := range sorted(u.aliases) {
		used += "type " + name + " = " + u.aliases[name] + "\n"
	}
	fmt.Fprintf(&head, "%svar _ = %s.Check\n", used, aid)
	for i := range u.regions {
		u.regions[i].from += head.Len()
		u.regions[i].to += head.Len()
	}
	return head.String() + u.body.String()
}

func (u *unit) region(owner *definition, write func()) {
	from := u.body.Len()
	write()
	u.regions = append(u.regions, region{from, u.body.Len(), owner})
}

func (u *unit) mark(cell, line, column int) {
	fmt.Fprintf(&u.body, "\n//line %s:%d:%d\n", cellName(cell), line, column)
}

func cellName(cell int) string { return fmt.Sprintf("cell[%d]", cell) }

// spot is where a text begins.
type spot struct{ cell, line, column int }

func (d *definition) spot() spot { return spot{d.cell, d.line, d.column} }

// comment tells the compiler where in the cell it is, behind a name that is not as long as the user's.
func (from spot) comment(text string, offset int) string {
	if from.cell == 0 {
		return ""
	}
	line, column := place(text, offset)
	if line == 1 {
		column += from.column - 1
	}
	return fmt.Sprintf("/*line %s:%d:%d*/", cellName(from.cell), from.line+line-1, column)
}

func (u *unit) define(d *definition) {
	if d.variable {
		u.defineVariable(d)
		return
	}
	u.region(d, func() {
		u.mark(d.cell, d.line, d.column)
		u.body.WriteString(u.render(d.spot(), d.text, d.uses, d.needs, d.compiled))
	})
	for _, method := range d.methods {
		u.region(method, func() {
			u.mark(method.cell, method.line, method.column)
			u.body.WriteString(u.render(method.spot(), method.text, method.uses, method.needs, d.compiled))
		})
	}
}

func (u *unit) defineVariable(d *definition) {
	name := d.compiled[d.names[0]]
	if d.text != "" && !d.local && !u.stored[name] {
		u.stored[name] = true
		fmt.Fprintf(&u.body, "\nvar %s %s\n", name, u.render(spot{}, d.text, d.uses, d.needs, nil))
	}
}

// render puts names for compiled code in the place of the user's.
func (u *unit) render(from spot, text string, uses []use, needs map[string]binding, own map[string]string) string {
	return u.renderSpan(from, text, span{0, len(text)}, uses, func(use use) string {
		if name := own[use.name]; use.own && name != "" {
			return name
		}
		b, ok := needs[use.name]
		switch {
		case !ok:
			if name := own[use.name]; name != "" {
				return name
			}
			return use.name
		case b.definition != nil && use.field:
			return u.alias(use.name, b.compiledName())
		case b.definition != nil:
			return b.compiledName()
		}
		return u.importAs(use.name, b.path)
	})
}

func (u *unit) renderSpan(from spot, text string, part span, uses []use, name func(use) string) string {
	ordered := append([]use(nil), uses...)
	sort.SliceStable(ordered, func(i, j int) bool { return ordered[i].offset < ordered[j].offset })
	var b strings.Builder
	at := part.from
	for _, use := range ordered {
		if use.offset < at || use.offset >= part.to {
			continue
		}
		b.WriteString(text[at:use.offset])
		at = use.offset + len(use.name)
		compiled := name(use)
		b.WriteString(compiled)
		if compiled != use.name {
			b.WriteString(from.comment(text, at))
		}
	}
	b.WriteString(text[at:part.to])
	return b.String()
}

// alias lets an embedded type go by the user's name, since the field is called like it; that cannot be where some other
// version of the type, or package, has the name.
func (u *unit) alias(name, compiled string) string {
	known, ok := u.aliases[name]
	if name == compiled || u.taken[name] || u.paths[name] != "" || ok && known != compiled {
		return compiled
	}
	u.aliases[name] = compiled
	return name
}

// importAs imports a package by a name, or, where that means something else already, by one of its own.
func (u *unit) importAs(name, path string) string {
	for candidate, number := name, 1; ; number++ {
		known, ok := u.paths[candidate]
		if !u.taken[candidate] && u.aliases[candidate] == "" && (!ok || known == path) {
			u.paths[candidate] = path
			return candidate
		}
		candidate = name + mark + "00" + strconv.Itoa(number)
	}
}
