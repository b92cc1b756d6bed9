"""An image's pull, in a thread of its own: the engine may say nothing for as long as it likes, and cannot be asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Final

from opensandbox._container.faults import mapped_faults
from opensandbox.exceptions import ExecdNotReadyException

if TYPE_CHECKING:
    import docker

_POLL_S: Final = 0.05


def pull(client: docker.DockerClient, image: str, *, go_on: Callable[[], None]) -> None:
    """Pull an image; `go_on` is called again and again meanwhile, and what it raises ends the wait at once."""
    done: Future[None] = Future()

    def work() -> None:
        try:
            _read_progress(client, image, go_on)
        except Exception as fault:  # noqa: BLE001 - raised by whoever waits
            done.set_exception(fault)
        else:
            done.set_result(None)

    threading.Thread(target=work, name="opensandbox-pull", daemon=True).start()
    while not done.done():
        go_on()
        wait([done], timeout=_POLL_S)
    done.result()


def _read_progress(client: docker.DockerClient, image: str, go_on: Callable[[], None]) -> None:
    with mapped_faults(f"pull the image {image!r}, which is not here"):
        for progress in client.api.pull(image, stream=True, decode=True):
            go_on()  # leaving closes the connection, and with that the engine pulls no longer
            if "error" in progress:
                raise ExecdNotReadyException(
                    f"the image {image!r} is not here, and pulling it failed: {progress['error']}"
                )
