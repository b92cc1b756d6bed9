"""Cells of Java: what lasts from one to the next, what is shown, and what is told of errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from .javas import java
from .nodes import Node

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cells(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    async with java(tmp_path_factory.mktemp("java")) as made:
        yield made


async def result(cells: Node, *codes: str) -> str | None:
    """Run cells, all of which must end well, and return what the last one shows."""
    shown = None
    for code in codes:
        cell = await cells.run(code)
        assert cell.reply["status"] == "ok", (code, cell.reply)
        shown = cell.result
    return shown


async def test_the_value_of_the_last_expression_is_shown(cells: Node) -> None:
    hello = await cells.run(
        'System.out.println("Hello");\nint result = 2 + 2;\nSystem.out.println("2 + 2 = " + result);\nresult'
    )
    assert (hello.stdout, hello.result) == ("Hello\n2 + 2 = 4\n", "4")
    assert await result(cells, '"grüße 😀"') == "grüße 😀"
    assert await result(cells, "new int[][] {{1, 2}, {3}}") == "[[1, 2], [3]]"
    assert await result(cells, "List.of(1, 2).stream().map(each -> each * 2).collect(Collectors.toList())") == "[2, 4]"
    assert await result(cells, "(Object) null") == "null"


@pytest.mark.parametrize("code", ["", "// no more", "1 + 1; // no value", "int a = 1, b = 2;", "import java.util.*;"])
async def test_nothing_is_shown_where_nothing_is_asked_for(cells: Node, code: str) -> None:
    assert await result(cells, code) is None


async def test_variables_methods_and_classes_last_and_may_be_declared_again(cells: Node) -> None:
    await result(
        cells, "int kept = 1;\nint twice(int x) {\n  return 2 * x;\n}\nclass Point {\n  int x = twice(kept);\n}"
    )
    assert await result(cells, "new Point().x") == "2"
    await result(cells, 'String kept = "now a text";', "int twice(int x) { return 3 * x; }")
    assert await result(cells, "kept.length() + twice(2)") == "16"
    assert await result(cells, "<T extends Comparable<T>> T most(List<T> of) { return Collections.max(of); }") is None
    assert await result(cells, "most(List.of(3, 1))") == "3"


async def test_a_thread_keeps_what_is_its_own_from_cell_to_cell(cells: Node) -> None:
    await result(cells, "ThreadLocal<String> own = new ThreadLocal<>();", 'own.set("kept")')
    assert await result(cells, "own.get() + Thread.currentThread().getName()") == "keptmain"


async def test_what_is_declared_later_in_the_cell_may_be_used_before(cells: Node) -> None:
    cell = await cells.run("int first() { return second() + 1; }\nint second() { return 1; }\nfirst()")
    assert (cell.result, cell.stderr) == ("2", "")


async def test_what_nobody_declares_is_told_of_and_fails_when_it_is_called(cells: Node) -> None:
    told = await cells.run("int calls() {\n  return nowhere(1);\n}")
    assert told.stderr.startswith("2:10: warning: calls cannot be used until there is method nowhere(int)\n")
    called = await cells.run("calls()")
    assert called.reply["ename"] == "UnresolvedReferenceException"
    assert "nowhere(int)" in called.reply["evalue"]


async def test_a_cell_that_only_declares_a_program_runs_it(cells: Node) -> None:
    program = """package some.where;

public class Main {
  public static void main(String[] args) {
    System.out.println("main");
  }
}
"""
    assert (await cells.run(program)).stdout == "main\n"
    assert (await cells.run('void main() {\n  System.out.println("short");\n}')).stdout == "short\n"
    assert (await cells.run("Main.main(new String[0]);")).stdout == "main\n"


async def test_an_exception_is_told_with_its_place_in_the_cell(cells: Node) -> None:
    await result(cells, "int share(int by) {\n  return 10 / by;\n}")
    failed = await cells.run("int one = 1;\n\nshare(0)")
    assert failed.reply["ename"] == "EvalException"
    assert failed.reply["evalue"] == "java.lang.ArithmeticException: / by zero"
    first, at, top = failed.reply["traceback"]
    assert first == "java.lang.ArithmeticException: / by zero"
    assert at.startswith("    at share (cell ")
    assert at.endswith("line 2)")
    assert top == "    at line 3"


async def test_causes_and_exceptions_of_ones_own_have_their_names(cells: Node) -> None:
    await result(cells, "class Grün extends Exception { Grün(String text) { super(text); } }")
    failed = await cells.run('throw new RuntimeException("outer", new Grün("inner"));')
    assert failed.reply["evalue"] == "java.lang.RuntimeException: outer"
    assert any(line.startswith("Caused by: ") and line.endswith("inner") for line in failed.reply["traceback"])


async def test_what_does_not_compile_is_told_with_line_and_column(cells: Node) -> None:
    failed = await cells.run('System.out.println("ran");\n  int wrong = nowhere;')
    assert failed.reply["ename"] == "CompilationException"
    assert failed.reply["evalue"].startswith("cannot find symbol")
    assert failed.reply["traceback"][:3] == [
        "2:15: error: cannot find symbol",
        "  int wrong = nowhere;",
        " " * 14 + "^",
    ]


@pytest.mark.parametrize("wrong", ["int no = ;", "foo(", "if (true) {", "class A { int x = ; }", 'String s = "open'])
async def test_nothing_of_a_cell_runs_that_is_no_code(cells: Node, wrong: str) -> None:
    failed = await cells.run(f'System.out.println("ran");\n{wrong}')
    assert failed.reply["ename"] == "CompilationException"
    assert failed.stdout == ""


async def test_a_stack_that_overflows_is_an_error_of_the_cell(cells: Node) -> None:
    failed = await cells.run("int deep(int n) { return deep(n + 1) + 1; }\ndeep(0)")
    assert failed.reply["evalue"] == "java.lang.StackOverflowError"
    assert len(failed.reply["traceback"]) < 60


async def test_memory_that_a_cell_cannot_have_is_an_error_of_the_cell(cells: Node) -> None:
    failed = await cells.run("long[][] all = new long[64][];\nfor (int i = 0; i < 64; i++) all[i] = new long[1 << 30];")
    assert failed.reply["evalue"].startswith("java.lang.OutOfMemoryError")
    assert await result(cells, "all = null;", "1 + 1") == "2"


async def test_jars_of_the_directory_are_there_as_soon_as_they_are(cells: Node) -> None:
    makes = """
new File("made").mkdirs();
Files.writeString(Path.of("made/Lib.java"), "package lib; public class Lib { public static int six() { return 6; } }");
javax.tools.ToolProvider.getSystemJavaCompiler().run(null, null, null, "-d", "made", "made/Lib.java");
try (var out = new java.util.jar.JarOutputStream(new FileOutputStream("lib.jar"))) {
  out.putNextEntry(new java.util.jar.JarEntry("lib/Lib.class"));
  Files.copy(Path.of("made/lib/Lib.class"), out);
}
"""
    await result(cells, makes)
    assert await result(cells, "import lib.Lib;\nLib.six() * 7") == "42"


async def test_class_path_of_the_environment_holds(tmp_path: Path) -> None:
    (tmp_path / "classes").mkdir()
    (tmp_path / "classes" / "plain.txt").write_text("found")
    async with java(tmp_path, {"CLASSPATH": f"{tmp_path}/classes:/nowhere"}) as cells:
        code = (
            "new String(Thread.currentThread().getContextClassLoader().getResourceAsStream(`plain.txt`).readAllBytes())"
        )
        assert await result(cells, code.replace("`", '"')) == "found"
