"""Go by the cell: declarations and statements without a program around them, imports wherever they are needed."""

from __future__ import annotations

import json
from typing import Final

from execd_conformance.languages.shape import Bare, Failure, Language


def _text(text: str) -> str:
    return f'import "fmt"\nfmt.Println({json.dumps(text, ensure_ascii=False)})'


def _sleeps(seconds: float) -> str:
    return f'import "time"\ntime.Sleep({int(seconds * 1000)} * time.Millisecond)'


def _signal(name: str) -> str:
    return f'import "syscall"\nsyscall.Kill(syscall.Getpid(), syscall.{name})\n{_sleeps(60)}'


GO: Final = Language(
    name="go",
    # No published kernel can be had everywhere: this is one on an interpreter, which lacks much of the language.
    bare=Bare(kernel="a kernel on yaegi 0.16.1", start_ms=315, warm_ms=5.6),
    says=_text,
    warns=lambda text: f'import ("fmt"; "os")\nfmt.Fprintln(os.Stderr, {json.dumps(text)})',
    keeps=lambda text: f"kept := {json.dumps(text)}",
    tells='import "fmt"\nfmt.Println(kept)',
    directory='import ("fmt"; "os")\nwd, _ := os.Getwd()\nfmt.Println(wd)',
    variable=lambda name: f'import ("fmt"; "os")\nfmt.Println(os.Getenv({json.dumps(name)}))',
    value=("6 * 7", "42"),
    library=(
        (
            'import (\n    "fmt"\n    "slices"\n    "strings"\n)\n'
            'words := strings.Fields("b c a")\nslices.Sort(words)\nfmt.Println(strings.Join(words, "+"), max(1, 2))'
        ),
        "a+b+c 2\n",
    ),
    defines=(
        "func twice(n int) int { return 2 * n }\ntype Pair[T any] struct { Left T }",
        "type Both struct { Pair[int] }\nfunc (b *Both) Sum() int { return b.Left + twice(b.Left) }",
    ),
    uses=('import "fmt"\nboth := &Both{Pair[int]{5}}\nfmt.Println(both.Sum())', "15\n"),
    redefines=("func twice(n int) int { return 20 * n }", "105\n"),
    fails=('panic("no")', "panic"),
    raises=Failure(
        code='var ok []int\nok[len("odd")] = 1', name="panic", says="index out of range [3] with length 0", line=2
    ),
    unreadable=Failure(
        code='import "fmt"\nfmt.Println("ran")\nvar x int = "text"', name="CompileError", says='"text"', line=3
    ),
    no_code="func (",
    spins="for {\n}",
    sleeps=_sleeps,
    ticks='import ("fmt"; "time")\nfor {\n    fmt.Println("tick")\n    time.Sleep(50 * time.Millisecond)\n}',
    # The library computes, where no check can be put into its code: a power that takes minutes.
    stubborn=(
        'import ("fmt"; "math/big")\nfmt.Println("begun")\none := big.NewInt(1)\nhuge := new(big.Int).Lsh(one, 1<<26)\n'
        "new(big.Int).Exp(big.NewInt(3), huge, new(big.Int).Sub(new(big.Int).Lsh(one, 4423), one))"
    ),
    dies=(_signal("SIGKILL"), 'import "os"\nos.Exit(3)'),
    stops=_signal("SIGSTOP"),
    counts=lambda number: f'import "fmt"\nfor each := 0; each < {number}; each++ {{\n    fmt.Println(each)\n}}',
    any_text=_text,
    weighs='import ("fmt"; "os")\nstatus, _ := os.ReadFile("/proc/self/status")\nfmt.Println(string(status))',
)
