package worker

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// edit puts text in the place of a part of another one; it never holds a newline, so that lines keep their numbers.
type edit struct {
	from, to int
	text     string
	closes   bool // whether it ends what another one begins: inner ones come first
}

// instrument lets an interrupt in: at loops and functions, sleeps, channels and calls that may block.
type instrument struct {
	*checked
	edits   []edit
	plain   map[ast.Node]bool // operations that are part of a select or an assignment that is seen to as a whole
	counter int
}

func (c *checked) instrumented() string {
	i := &instrument{checked: c, plain: map[ast.Node]bool{}}
	ast.Inspect(c.file, i.visit)
	i.useVariables()
	i.hideExports()
	return apply(c.text, i.edits)
}

func apply(text string, edits []edit) string {
	slices.SortStableFunc(edits, func(a, b edit) int { return a.from - b.from })
	for first := 0; first < len(edits); {
		last := first
		for last < len(edits) && edits[last].from == edits[first].from {
			last++
		}
		order(edits[first:last])
		first = last
	}
	var b strings.Builder
	at := 0
	for _, e := range edits {
		if e.from < at {
			continue // within what another one has replaced
		}
		b.WriteString(text[at:e.from])
		b.WriteString(e.text)
		at = e.to
	}
	b.WriteString(text[at:])
	return b.String()
}

// order puts the closing ones first, from the innermost on.
func order(edits []edit) {
	var closing, others []edit
	for _, e := range edits {
		if e.closes {
			closing = append(closing, e)
		} else {
			others = append(others, e)
		}
	}
	slices.Reverse(closing)
	copy(edits, append(closing, others...))
}

func (i *instrument) offset(position token.Pos) int {
	return i.files.PositionFor(position, false).Offset
}

func (i *instrument) insert(position token.Pos, format string, arguments ...any) {
	at := i.offset(position)
	i.edits = append(i.edits, edit{from: at, to: at, text: fmt.Sprintf(format, arguments...)})
}

func (i *instrument) close(position token.Pos, format string, arguments ...any) {
	at := i.offset(position)
	i.edits = append(i.edits, edit{from: at, to: at, text: fmt.Sprintf(format, arguments...), closes: true})
}

func (i *instrument) replace(from, to token.Pos, format string, arguments ...any) {
	i.edits = append(i.edits, edit{from: i.offset(from), to: i.offset(to), text: fmt.Sprintf(format, arguments...)})
}

func (i *instrument) visit(node ast.Node) bool {
	switch n := node.(type) {
	case *ast.FuncDecl:
		i.enter(n.Body)
	case *ast.FuncLit:
		i.enter(n.Body)
	case *ast.ForStmt:
		i.check(n.Body)
	case *ast.RangeStmt:
		i.visitRange(n)
	case *ast.BranchStmt:
		if n.Tok == token.GOTO {
			i.insert(n.Pos(), "{ %s.Check(); ", aid)
			i.close(n.End(), " }")
		}
	case *ast.SelectStmt:
		i.visitSelect(n)
	case *ast.SendStmt:
		if !i.plain[n] {
			i.insert(n.Pos(), "select { case ")
			i.close(n.End(), ": case <-%s.Done(): panic(%s.Exit()) }", aid, aid)
		}
	case *ast.AssignStmt:
		if len(n.Lhs) == 2 && len(n.Rhs) == 1 {
			i.receive(n.Rhs[0], "Receive2")
		}
	case *ast.ValueSpec:
		if len(n.Names) == 2 && len(n.Values) == 1 {
			i.receive(n.Values[0], "Receive2")
		}
	case *ast.UnaryExpr:
		i.receive(n, "Receive")
	case *ast.CallExpr:
		i.visitCall(n)
	}
	return true
}

// enter checks at the start of a function, for recursion without loops; a function without calls comes to its end.
func (i *instrument) enter(body *ast.BlockStmt) {
	if body == nil {
		return
	}
	calls := false
	ast.Inspect(body, func(node ast.Node) bool {
		switch node.(type) {
		case *ast.CallExpr:
			calls = true
		case *ast.FuncLit:
			return false
		}
		return !calls
	})
	if calls {
		i.check(body)
	}
}

func (i *instrument) check(body *ast.BlockStmt) {
	i.insert(body.Lbrace+1, " %s.Check(); ", aid)
}

func (i *instrument) visitRange(n *ast.RangeStmt) {
	channel := i.channel(n.X)
	if channel == nil {
		i.check(n.Body)
		return
	}
	i.counter++
	source, ok := fmt.Sprintf("source%s%d", mark, i.counter), fmt.Sprintf("ok%s%d", mark, i.counter)
	receive := fmt.Sprintf("%s.Receive2(%s); if !%s { break }; ", aid, source, ok)
	key := "_"
	if n.Key != nil {
		key = i.text[i.offset(n.Key.Pos()):i.offset(n.Key.End())]
	}
	i.replace(n.For, n.X.Pos(), "for %s := (", source)
	i.close(n.X.End(), "); ; ")
	if n.Tok == token.ASSIGN {
		value := fmt.Sprintf("value%s%d", mark, i.counter)
		i.insert(n.Body.Lbrace+1, " %s, %s := %s%s = %s; ", value, ok, receive, key, value)
		return
	}
	i.insert(n.Body.Lbrace+1, " %s, %s := %s", key, ok, receive)
}

func (i *instrument) channel(e ast.Expr) *types.Chan {
	t := i.info.Types[e].Type
	if t == nil {
		return nil
	}
	if _, ok := types.Unalias(t).(*types.TypeParam); ok {
		return nil
	}
	channel, _ := t.Underlying().(*types.Chan)
	return channel
}

func (i *instrument) visitSelect(n *ast.SelectStmt) {
	waits := true
	for _, clause := range n.Body.List {
		c := clause.(*ast.CommClause)
		switch s := c.Comm.(type) {
		case nil:
			waits = false
		case *ast.SendStmt:
			i.plain[s] = true
		case *ast.ExprStmt:
			i.plain[ast.Unparen(s.X)] = true
		case *ast.AssignStmt:
			i.plain[ast.Unparen(s.Rhs[0])] = true
		}
	}
	if waits {
		separator := ";"
		if len(n.Body.List) == 0 {
			separator = ""
		}
		i.close(n.Body.Rbrace, " "+separator+" case <-%s.Done(): panic(%s.Exit()) ", aid, aid)
	}
}

func (i *instrument) receive(e ast.Expr, by string) {
	n, ok := ast.Unparen(e).(*ast.UnaryExpr)
	if !ok || n.Op != token.ARROW || i.plain[n] {
		return
	}
	i.plain[n] = true
	if i.channel(n.X) == nil {
		return
	}
	i.replace(n.OpPos, n.X.Pos(), "%s.%s(", aid, by)
	i.close(n.X.End(), ")")
}

func (i *instrument) visitCall(n *ast.CallExpr) {
	selector, ok := ast.Unparen(n.Fun).(*ast.SelectorExpr)
	if !ok || n.Ellipsis.IsValid() {
		return
	}
	f, ok := i.info.Uses[selector.Sel].(*types.Func)
	if !ok || f.Pkg() == nil {
		return
	}
	name := f.FullName()
	if name == "time.Sleep" {
		i.insert(n.Fun.Pos(), "%s.Sleeper(", aid)
		i.close(n.Fun.End(), ")")
		return
	}
	if !blocking[name] {
		return
	}
	signature := f.Type().(*types.Signature)
	if signature.Variadic() || len(n.Args) != signature.Params().Len() {
		return
	}
	i.insert(n.Fun.Pos(), "%s.Wait%d%d(", aid, signature.Params().Len(), signature.Results().Len())
	i.close(n.Fun.End(), ")")
}

// blocking holds functions that may not come back by themselves, and that no signal wakes up.
var blocking = map[string]bool{
	"(*sync.WaitGroup).Wait": true, "net/http.Get": true, "net/http.Head": true, "net/http.Post": true,
	"net/http.PostForm": true, "(*net/http.Client).Get": true, "(*net/http.Client).Do": true,
	"(*net/http.Client).Post": true, "(*net/http.Client).Head": true, "net/http.ListenAndServe": true,
	"net/http.Serve": true, "(*net/http.Server).ListenAndServe": true, "(*net/http.Server).Serve": true,
	"net.Dial": true, "net.DialTimeout": true, "(net.Listener).Accept": true, "(*net.TCPListener).Accept": true,
	"(*net.TCPListener).AcceptTCP": true, "(net.Conn).Read": true, "io.ReadAll": true, "io.Copy": true, "(*os/exec.Cmd).Wait": true, "(*os/exec.Cmd).Run": true,
	"(*os/exec.Cmd).Output": true, "(*os/exec.Cmd).CombinedOutput": true,
}
