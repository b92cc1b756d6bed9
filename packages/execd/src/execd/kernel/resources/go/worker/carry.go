package worker

// carry brings what was declared before over to what the cell declares anew: a function that calls a redefined one
// shall call the new one, and a variable whose type has got a method shall have it.
func (p *plan) carry() {
	replaced := map[*definition]*definition{}
	for _, d := range p.added {
		for _, name := range d.names {
			if old, ok := p.session.scope[name]; ok && old.definition != nil && !old.variable {
				replaced[old.definition] = d
			}
		}
	}
	if len(replaced) == 0 {
		return
	}
	copies := map[*definition]*definition{}
	for changed := true; changed; {
		changed = false
		for _, name := range sorted(p.scope) {
			d := p.scope[name].definition
			if d == nil || copies[d] != nil || replaced[d] != nil || p.left[d.root()] || !p.touched(d, replaced, copies) {
				continue
			}
			if d.variable && !keepsLayout(d, replaced, copies) {
				continue
			}
			c := d.copy()
			copies[d], changed = c, true
		}
	}
	p.adopt(replaced, copies)
}

func (p *plan) touched(d *definition, replaced, copies map[*definition]*definition) bool {
	if d.cell == p.cell {
		return false
	}
	hit := false
	d.needed(func(b binding) {
		if b.definition != nil && (replaced[b.definition] != nil || copies[b.definition] != nil) {
			hit = true
		}
	})
	return hit
}

// keepsLayout tells whether a variable can be seen through the new versions of the types that it is made of.
func keepsLayout(d *definition, replaced, copies map[*definition]*definition) bool {
	keeps := true
	d.needed(func(b binding) {
		if b.definition == nil {
			return
		}
		now := replaced[b.definition]
		if now == nil {
			now = copies[b.definition]
		}
		if now != nil && (now.kind != typed || !declares(now, b.name) ||
			now.layoutOf(map[*definition]bool{}) != b.layoutOf(map[*definition]bool{})) {
			keeps = false
		}
	})
	return keeps
}

func declares(d *definition, name string) bool {
	for _, each := range d.names {
		if each == name {
			return true
		}
	}
	return false
}

// adopt puts the copies in the place of what they are copies of.
func (p *plan) adopt(replaced, copies map[*definition]*definition) {
	turn := func(b binding) binding {
		now := copies[b.definition]
		if now == nil {
			now = replaced[b.definition]
		}
		if b.definition != nil && now != nil && declares(now, b.name) {
			b.definition = now
		}
		return b
	}
	for _, c := range copies {
		if !c.variable {
			p.define(c)
		}
		for name, b := range c.needs {
			c.needs[name] = turn(b)
		}
		for _, method := range c.methods {
			for name, b := range method.needs {
				method.needs[name] = turn(b)
			}
		}
		p.carried = append(p.carried, c)
	}
	for name, b := range p.scope {
		if c := copies[b.definition]; c != nil {
			b.definition = c
			p.scope[name] = b
		}
	}
	for _, d := range p.added {
		d.resolve(p.scope)
	}
	for _, s := range p.steps {
		for name, b := range s.needs {
			s.needs[name] = turn(b)
		}
		for i, b := range s.previous {
			s.previous[i] = turn(b)
		}
	}
}
