"""What a daemon of one's own gets."""

from __future__ import annotations

from opensandbox._core import local


def test_the_callers_secrets_stay_with_the_caller() -> None:
    environ = {"PATH": "/bin", "HOME": "/h", "API_KEY": "secret", "LD_PRELOAD": "x", "TZ": "UTC"}
    assert local.daemon_environment(environ, envs={"A": "1", "PATH": "/mine"}, token="t") == {
        "PATH": "/mine", "HOME": "/h", "TZ": "UTC", "A": "1", "EXECD_ACCESS_TOKEN": "t",
    }  # fmt: skip


def test_sockets_never_lie_in_the_temporary_directory() -> None:
    environ = {"XDG_RUNTIME_DIR": "/run/user/7", "HOME": "/h", "TMPDIR": "/tmp"}
    assert local.private_directories(environ) == ["/run/user/7/opensandbox", "/h/.local/state/opensandbox"]
    assert local.private_directories({"XDG_STATE_HOME": "/s", "HOME": "/h"}) == ["/s/opensandbox"]
    assert local.private_directories({}) == []


def test_a_sockets_path_is_counted_in_bytes() -> None:
    assert local.fits_socket("/" + "a" * 106)
    assert not local.fits_socket("/" + "a" * 107)
    assert not local.fits_socket("/" + "ä" * 60)


def test_ready_is_one_whole_line() -> None:
    assert local.ready_line(b'{"event":"ready"') is None
    assert local.ready_line(b'{"event":"ready","pid":7}\nmore') == {"event": "ready", "pid": 7}
    assert local.ready_line(b"hello\n") == {}


def test_whoever_runs_code_once_has_a_kernel_ready_for_the_next_context() -> None:
    arguments = local.daemon_arguments("python", socket="/s", lifeline=3, working_dir="/w")
    assert arguments[arguments.index("--pool") :] == ["--pool", "python=1", "--pool-lazy"]
