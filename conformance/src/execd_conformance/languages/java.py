"""Java as JShell has it: declarations and statements without a class around them."""

from __future__ import annotations

import json
from typing import Final

from execd_conformance.languages.shape import Bare, Failure, Language


def _text(text: str) -> str:
    return f"System.out.println({json.dumps(text)});"


def _signal(name: str) -> str:
    # The shell's own: a sandbox need not have a program of that name.
    kill = f'new String[] {{"sh", "-c", "kill -{name} " + ProcessHandle.current().pid()}}'
    # The signal is on its way when the program has ended: what comes after it must not be the end of the cell.
    return f"Runtime.getRuntime().exec({kill}).waitFor();\nwhile (true) Thread.sleep(100);"


JAVA: Final = Language(
    name="java",
    bare=Bare(kernel="jjava 1.0a8", start_ms=1395, warm_ms=82),
    says=_text,
    warns=lambda text: f"System.err.println({json.dumps(text)});",
    keeps=lambda text: f"String kept = {json.dumps(text)};",
    tells="System.out.println(kept);",
    directory='System.out.println(java.nio.file.Paths.get("").toAbsolutePath());',
    variable=lambda name: f'System.out.println(System.getenv().getOrDefault({json.dumps(name)}, ""));',
    value=("6 * 7", "42"),
    library=(
        (
            "import java.util.stream.Collectors;\nimport java.util.stream.Stream;\n"
            'System.out.println(Stream.of("b", "a").sorted().collect(Collectors.joining("+", "<", ">")));'
        ),
        "<a+b>\n",
    ),
    defines=(
        "int twice(int n) { return 2 * n; }\nclass Pair<T> { T left; Pair(T left) { this.left = left; } }",
        (
            "class Both extends Pair<Integer> {\n    Both(int left) { super(left); }\n"
            "    int sum() { return left + twice(left); }\n}"
        ),
    ),
    uses=("System.out.println(new Both(5).sum());", "15\n"),
    redefines=("int twice(int n) { return 20 * n; }", "105\n"),
    fails=("int no = 1 / 0;", "EvalException"),
    raises=Failure(
        code='String ok = "ok";\nthrow new IllegalStateException("odd ä");',
        name="EvalException",
        says="odd ä",
        line=2,
    ),
    unreadable=Failure(
        code='System.out.println("ran");\nint x = = 1;',
        name="CompilationException",
        says="illegal start of expression",
        line=2,
    ),
    no_code="int = ;",
    spins="while (true);",
    sleeps=lambda seconds: f"Thread.sleep({int(seconds * 1000)});",
    # It waits between the lines: they are to be seen while it runs, not to fill a pipe.
    ticks='while (true) {\n    System.out.println("tick");\n    Thread.sleep(50);\n}',
    stubborn=None,
    dies=(_signal("KILL"), "Runtime.getRuntime().halt(3);"),
    stops=_signal("STOP"),
    counts=lambda number: f"for (int each = 0; each < {number}; each++) System.out.println(each);",
    any_text=_text,
    weighs='System.out.println(java.nio.file.Files.readString(java.nio.file.Path.of("/proc/self/status")));',
)
