"""Python as IPython has it."""

from __future__ import annotations

from typing import Final

from execd_conformance.languages.shape import Bare, Failure, Language


def _text(text: str) -> str:
    return f"print({text!r}, flush=True)"


PYTHON: Final = Language(
    name="python",
    bare=Bare(kernel="ipykernel 7.4.0", start_ms=398, warm_ms=6.0),
    says=_text,
    warns=lambda text: f"import sys; print({text!r}, file=sys.stderr)",
    keeps=lambda text: f"kept = {text!r}",
    tells="print(kept)",
    directory="import os; print(os.getcwd())",
    variable=lambda name: f"import os; print(os.environ.get({name!r}, ''))",
    value=("6 * 7", "42"),
    library=("import json, math\nprint(json.dumps({'root': math.isqrt(49)}))", '{"root": 7}\n'),
    defines=(
        "def twice(n): return 2 * n\nclass Pair:\n    def __init__(self, left): self.left = left",
        "class Both(Pair):\n    def sum(self): return self.left + twice(self.left)",
    ),
    uses=("print(Both(5).sum())", "15\n"),
    redefines=("def twice(n): return 20 * n", "105\n"),
    fails=("1 / 0", "ZeroDivisionError"),
    raises=Failure(code="kept = 'ok'\nraise ValueError('odd ä')", name="ValueError", says="odd ä", line=2),
    unreadable=Failure(code="print('ran')\nx = = 1", name="SyntaxError", says="invalid syntax", line=2),
    no_code="def (:",
    spins="while True: pass",
    sleeps=lambda seconds: f"import time; time.sleep({seconds})",
    # It waits between the lines: they are to be seen while it runs, not to fill a pipe.
    ticks="import time\nwhile True:\n    print('tick', flush=True)\n    time.sleep(0.05)",
    stubborn=(
        "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "print('begun', flush=True)\nwhile True: time.sleep(0.01)"
    ),
    dies=("import os; os.kill(os.getpid(), 9)", "import os; os._exit(3)"),
    stops="import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    counts=lambda number: f"for each in range({number}): print(each)",
    any_text=_text,
    weighs="print(open('/proc/self/status').read())",
    starts_late=(
        "import subprocess as s; p = s.Popen('read x; echo late', shell=True, stdin=s.PIPE)",
        "_ = p.communicate(b'go\\n')",
    ),
)
