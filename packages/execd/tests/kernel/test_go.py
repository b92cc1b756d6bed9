"""Cells of Go: what lasts from one to the next, what is shown, and what is told of errors."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from .gos import INSTALL_S, go
from .nodes import Node

pytestmark = [pytest.mark.slow, pytest.mark.timeout(INSTALL_S), pytest.mark.asyncio(loop_scope="module")]
_GENERIC = """\
func apply[T, U any](of []T, f func(T) U) (all []U) {
	for _, v := range of {
		all = append(all, f(v))
	}
	return
}
"""
_IDLE = """\
package main

import (
	"fmt"
	"os"
)

var greeting = "Hello"

func init() { greeting += "!" }

func main() {
	fmt.Print(greeting)
	fmt.Fprint(os.Stderr, "apart")
%s}

"""
_LOOPS = """\
import `os/user`
func idle() int {
	unused, used := 1, 2
	for i, v := range []int{1} {
	}
	return used
}
idle()
"""
_PROGRAM = """\
squares := make(chan int)
go func() {
	defer close(squares)
	for i := range 4 {
		squares <- i * i
	}
}()
"""
_SQUARES = """\
n = 0
outer:
for i := 0; ; i++ {
	switch {
	case i%2 == 0:
		continue outer
	case i > 6:
		break outer
	}
	n += i
}
n
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cells(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    async with go(tmp_path_factory.mktemp("go")) as made:
        await made.run('import ("encoding/json"; "errors"; "fmt"; "os"; "strconv"; "strings"; "sync"; "time")')
        yield made


async def result(cells: Node, *codes: str) -> str | None:
    """Run cells, all of which must end well, and return what the last one shows."""
    shown = None
    for code in codes:
        cell = await cells.run(code)
        assert cell.reply["status"] == "ok", (code, cell.reply)
        shown = cell.result
    return shown


async def test_variables_last_and_may_be_declared_again_as_anything_else(cells: Node) -> None:
    assert await result(cells, "x := 5", "x++", "x") == "6"
    assert await result(cells, "y, x := x, 7", "fmt.Sprint(x, y)") == "7 6"
    assert await result(cells, 'x := "text"', "x + x") == "texttext"
    assert await result(cells, "var (\n\ta, b = 1, 2.5\n\tc []string\n)", "fmt.Sprint(a, b, c == nil)") == "1 2.5 true"
    assert await result(cells, 'n, err := strconv.Atoi("4")\nm, err := strconv.Atoi("no")\nn + m') == "4"
    assert (await result(cells, "err") or "").startswith("strconv.Atoi")


async def test_types_keep_what_they_are_from_cell_to_cell(cells: Node) -> None:
    await result(cells, "type square struct{ side float64 }\nfunc (s square) area() float64 { return s.side * s.side }")
    await result(cells, "var shape any = square{3}")
    assert await result(cells, "s, ok := shape.(square)\nfmt.Sprint(s.area(), ok, s == square{3})") == "9 true true"
    await result(
        cells, "type failure struct{ code int }\nfunc (f *failure) Error() string { return fmt.Sprint(f.code) }"
    )
    await result(cells, "func fail() error { return fmt.Errorf(`wrapped: %w`, &failure{7}) }\nfailed := fail()")
    assert await result(cells, "var found *failure\nerrors.As(failed, &found)", "found.code") == "7"


async def test_a_method_may_come_later_and_be_written_again(cells: Node) -> None:
    await result(
        cells, "type dog struct{ name string }\ntype puppy struct {\n\tdog\n\tage int\n}\np := puppy{dog{`rex`}, 1}"
    )
    assert await result(cells, "func (d dog) String() string { return d.name + `!` }", "p.dog") == "rex!"
    assert await result(cells, "func (d dog) String() string { return d.name + `?` }", "p.String()") == "rex?"
    assert await result(cells, "p.dog.name") == "rex"


async def test_functions_call_the_newest_of_what_they_call(cells: Node) -> None:
    await result(cells, "func one() int { return 1 }\nfunc two() int { return one() + one() }")
    assert await result(cells, "func one() int { return 10 }", "two()") == "20"
    # One that does not go with the others leaves them what they had.
    assert await result(cells, "func one() string { return `text` }", "fmt.Sprint(one(), two())") == "text20"


async def test_functions_of_a_cell_see_its_variables_whatever_the_order(cells: Node) -> None:
    assert await result(cells, "count := 0\nfunc bump() int { count++; return count }\nbump()\nbump()") == "2"
    assert await result(cells, "bump()") == "3"
    assert await result(cells, "import r1 `math/rand`\nimport `math/rand/v2`\nr1.Intn(1) + rand.IntN(1)") == "0"


async def test_names_with_a_capital_are_names_like_others(cells: Node) -> None:
    await result(cells, "ErrOwn := errors.New(`own`)\nvar File = os.Stdout\nfunc Wrap() error { return ErrOwn }")
    assert await result(cells, "fmt.Sprint(errors.Is(Wrap(), ErrOwn), File == os.Stdout)") == "true true"
    failed = await cells.run("func Fail() { panic(1) }\nFail()")
    assert "main.Fail(...)" in failed.reply["traceback"]
    program = "package main\nvar Err error\nfunc Print() { println(Err == nil) }\nfunc main() { Print() }"
    assert (await cells.run(program)).stderr == "true\n"


async def test_all_of_the_language_is_there(cells: Node) -> None:
    generic = _GENERIC
    assert (
        await result(cells, generic, "apply([]int{1, 2}, func(i int) string { return strings.Repeat(`a`, i) })")
        == "[a aa]"
    )
    assert await result(cells, "const (\n\tred = iota\n\tgreen\n\tblue\n)\nmin(blue, green)") == "1"
    assert (
        await result(
            cells,
            _PROGRAM,
        )
        is None
    )
    assert await result(cells, "sum := 0\nfor v := range squares {\n\tsum += v\n}\nsum") == "14"
    looped = _SQUARES
    assert await result(cells, looped) == "9"
    assert await result(cells, 'raw, _ := json.Marshal(map[string]any{"é": []int{1}})\nstring(raw)') == '{"é":[1]}'
    assert (
        await result(cells, "func() (caught any) {\n\tdefer func() { caught = recover() }()\n\tpanic(`own`)\n}()")
        == "own"
    )


async def test_only_what_nobody_throws_away_is_shown(cells: Node) -> None:
    for code in ("", "// a comment", "1 + 1;", "fmt.Println(`written`)", "z := 1", "for range 2 {\n}", "func() {}()"):
        assert await result(cells, code) is None, code
    assert await result(cells, "nil") == "<nil>"
    assert await result(cells, "strconv.Atoi(`12`)") == "12 <nil>"
    shown = await cells.run("type page struct{}\nfunc (page) HTML() string { return `<b>bold</b>` }\npage{}")
    assert shown.data["text/html"] == "<b>bold</b>"


async def test_nothing_that_is_not_used_is_an_error(cells: Node) -> None:
    code = _LOOPS
    assert await result(cells, code) == "2"


@pytest.mark.parametrize(
    ("code", "place", "message"),
    [
        ("ok := 1\n  fmt.Println(wrong)", "2:15", "undefined: wrong"),
        ('var longer int = "text"', "1:18", 'cannot use "text"'),
        ("fresh := 1 +", "1:13", "syntax error"),
        ("fmt.Println(1", "1:12", "syntax error"),
        ("func nothing() int {\n}", "2:1", "missing return"),
        ("import `no/such`", "1:8", "package no/such is not in std"),
        ("package main\nfunc main() {\n\tnone++\n}", "3:2", "undefined: none"),
    ],
)
async def test_errors_of_the_compiler_tell_their_place_in_the_cell(
    cells: Node, code: str, place: str, message: str
) -> None:
    failed = await cells.run(f"{code}")
    assert failed.reply["ename"] == "CompileError"
    assert failed.reply["evalue"].startswith(message)
    assert failed.reply["traceback"][0].startswith(f"{place}: {message}")
    assert not failed.stdout


async def test_a_panic_tells_where_it_comes_from(cells: Node) -> None:
    await result(cells, "// first\nfunc at(i int) int {\n\treturn []int{1}[i]\n}")
    failed = await cells.run("fmt.Println(`before`)\n\nat(3)")
    assert failed.reply["ename"] == "panic"
    assert failed.reply["evalue"] == "runtime error: index out of range [3] with length 1"
    places = [line.partition("]:")[2] for line in failed.reply["traceback"] if line.startswith("\tcell[")]
    assert places == ["3", "3"]
    assert not [line for line in failed.reply["traceback"] if "execd" in line]
    assert failed.stdout == "before\n"
    assert (await cells.run("panic(fmt.Errorf(`ünïcode`))")).reply["evalue"] == "ünïcode"


async def test_a_whole_program_is_a_process_of_its_own(cells: Node) -> None:
    program = _IDLE
    whole = await cells.run(program % "")
    assert (whole.reply["status"], whole.stdout, whole.stderr) == ("ok", "Hello!", "apart")
    left = await cells.run(program % "\tos.Exit(3)\n")
    assert (left.reply["ename"], left.reply["evalue"]) == ("ExitError", "exit status 3")
    broken = await cells.run(program % "\tvar m map[int]int\n\tm[1]++\n")
    assert broken.reply["evalue"] == "exit status 2"
    assert "main.main()\n\tcell[" in broken.stderr
    assert (await cells.run("greeting")).reply["evalue"] == "undefined: greeting"


async def test_main_of_a_cell_is_called(cells: Node) -> None:
    assert (await cells.run("func main() { fmt.Println(`called`) }")).stdout == "called\n"
    assert (await cells.run("func main() { fmt.Println(`called`) }\nmain()")).stdout == "called\n"


async def test_a_cell_leaves_no_files(cells: Node) -> None:
    assert await result(cells, "os.Getenv(`LENT`)") == "before"
    assert await result(cells, "left, _ := os.ReadDir(os.TempDir())\nlen(left)") == "0"
