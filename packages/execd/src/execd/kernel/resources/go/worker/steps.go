package worker

import "fmt"

// entry is the name of the function that does what a cell does.
func (p *plan) entry() string { return fmt.Sprintf("cell%s%d", mark, p.cell) }

// writeSteps writes the statements: with assumed types their assignments are declarations, so that functions of the
// cell see its variables whatever the order, else they are assignments within the cell's function.
func (u *unit) writeSteps() {
	if u.assumed {
		for _, s := range u.plan.steps {
			for i := range s.assignments {
				u.assume(s, s.assignments[i])
			}
		}
	}
	fmt.Fprintf(&u.body, "\nfunc %s() {\n", u.plan.entry())
	for _, name := range u.plan.calls {
		if name == "init" {
			fmt.Fprintf(&u.body, "%s()\n", u.plan.scope[name].compiledName())
		}
	}
	for _, s := range u.plan.steps {
		switch {
		case len(s.assignments) > 0:
			if !u.assumed {
				u.assign(s)
			}
		case s.expression:
			u.writeExpression(s)
		default:
			u.mark(u.plan.cell, s.line, s.column)
			u.body.WriteString(u.renderStep(s, span{0, len(s.text)}))
		}
		u.body.WriteString("\n")
	}
	if u.callsMain() {
		fmt.Fprintf(&u.body, "%s()\n", u.plan.scope["main"].compiledName())
	}
	u.body.WriteString("}\n")
}

// callsMain tells whether a cell that declares main is to call it: yes, unless it does so itself.
func (u *unit) callsMain() bool {
	declared := false
	for _, name := range u.plan.calls {
		declared = declared || name == "main"
	}
	for _, s := range u.plan.steps {
		if _, ok := s.needs["main"]; ok {
			return false
		}
	}
	return declared
}

func (u *unit) renderStep(s *step, part span) string {
	return u.renderSpan(spot{u.plan.cell, s.line, s.column}, s.text, part, s.uses, func(use use) string {
		if b, ok := s.needs[use.name]; ok {
			if b.definition != nil {
				return b.compiledName()
			}
			return u.importAs(use.name, b.path)
		}
		return use.name
	})
}

// renderLeft renders the names that an assignment gives values to.
func (u *unit) renderLeft(s *step, a assignment) string {
	return u.renderSpan(spot{u.plan.cell, s.line, s.column}, s.text, a.left, a.names, func(use use) string {
		if d := s.variable(use); d != nil {
			return d.compiled[use.name]
		}
		return use.name
	})
}

func (s *step) variable(use use) *definition {
	i := 0
	for _, a := range s.assignments {
		for _, name := range a.names {
			if name.offset == use.offset {
				return s.variables[i]
			}
			i++
		}
	}
	return nil
}

func (u *unit) assume(s *step, a assignment) {
	u.body.WriteString("\nvar")
	u.markIn(s, a.whole.from)
	u.body.WriteString(u.renderLeft(s, a))
	if a.inline {
		u.body.WriteString(" = " + u.renderStep(s, a.right))
	} else {
		u.body.WriteString(u.renderStep(s, span{a.left.to, a.whole.to}))
	}
	u.body.WriteString("\n")
}

func (u *unit) assign(s *step) {
	for _, a := range s.assignments {
		u.markIn(s, a.whole.from)
		left := u.renderLeft(s, a)
		switch {
		case s.isLocal(a):
			u.body.WriteString(left + " := " + u.renderStep(s, a.right))
		case a.right == span{}:
			for _, name := range a.names {
				if d := s.variable(name); d != nil {
					fmt.Fprintf(&u.body, "%s = *new(%s); ", d.compiled[name.name], u.render(spot{}, d.text, d.uses, d.needs, nil))
				}
			}
		default:
			u.body.WriteString(left + " = " + u.renderStep(s, a.right))
		}
		u.body.WriteString("\n")
	}
}

func (s *step) isLocal(a assignment) bool {
	for _, name := range a.names {
		if d := s.variable(name); d != nil && d.local {
			return true
		}
	}
	return false
}

func (u *unit) markIn(s *step, offset int) {
	line, column := place(u.plan.code, s.offset+offset)
	u.mark(u.plan.cell, line, column)
}

// writeExpression writes an expression that stands alone: the last one of a cell is shown, if it has a value.
func (u *unit) writeExpression(s *step) {
	text := u.renderStep(s, span{0, len(s.text)})
	switch {
	case s.result && !(s.call && (u.assumed || s.values == 0)):
		text = fmt.Sprintf("\n%s.Show(", aid) + u.here(s) + text + ")"
	case !s.call:
		text = "\n_ =" + u.here(s) + text
	default:
		text = u.here(s) + text
	}
	u.body.WriteString(text)
}

func (u *unit) here(s *step) string {
	return fmt.Sprintf("\n//line %s:%d:%d\n", cellName(u.plan.cell), s.line, s.column)
}
