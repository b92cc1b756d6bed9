# Generated from packages/sdk/src/opensandbox/_async/transport.py by tools/unasync.py; do not edit.
"""Requests over HTTP, with retry and resume: the only place that knows the HTTP library."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Generator, Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import closing, contextmanager
from typing import Final

import httpx

from opensandbox._acompat import sleep
from opensandbox._sync.connections import Connections
from opensandbox._core import decode
from opensandbox._core.config import Config
from opensandbox._core.download import Download
from opensandbox._core.request import E, Received, Reply, Request, StreamRequest
from opensandbox._core.resume import Resume
from opensandbox._core.retry import is_settled, wait_before_retry
from opensandbox._core.sse import FrameDecoder
from opensandbox.exceptions import (
    ExecdNotReadyException,
    RequestTimeoutException,
    SandboxApiException,
    SandboxConnectionException,
    SandboxException,
    ShuttingDownException,
    StreamInterruptedException,
)

_RESUMABLE: Final = frozenset({"execution_id", "replay"})


def _never() -> bool:
    return False


class HttpTransport:
    """Speaks to one daemon.

    `features` is filled in when the daemon's version is known; `is_gone` tells when the daemon cannot come back, so
    that nobody waits for it.
    """

    def __init__(self, config: Config, *, is_gone: Callable[[], bool] = _never) -> None:
        self.features: AbstractSet[str] = frozenset()
        self._endpoint = config.endpoint
        self._is_gone = is_gone
        self._connections = Connections(config)

    def send(
        self, request: Request, /, *, content: Callable[[], Generator[bytes, None]] | None = None
    ) -> Reply:
        """Send a request and return its answer; a refusal raises, a passing fault is retried where that is safe.

        `content` makes the body, once for each try, where it is no value in memory.
        """
        self._check_open()
        tries = 0
        while True:
            try:
                if content is None:
                    return self._try(request)
                with closing(content()) as body:
                    return self._try(request, body)
            except SandboxException as fault:
                if is_settled(request, fault, tries=tries):
                    return Reply()
                tries += 1
                wait = wait_before_retry(request, fault, tries=tries, jitter=random.random())  # noqa: S311 - spread
                if wait is None or self._is_gone() or self._connections.is_closed:
                    raise
            sleep(wait)

    def _try(self, request: Request, content: Generator[bytes, None] | None = None) -> Reply:
        self._check_there()
        with self._mapped_faults():
            with self._connections.exchange(request, content=content) as response:
                response.read()
        headers = dict(response.headers)
        if not response.is_success:
            raise decode.refusal(response.status_code, response.content, headers)
        return Reply(status=response.status_code, body=response.content, headers=headers)

    def stream(self, request: StreamRequest[E], /) -> Generator[list[Received[E]], None]:
        """Send a request and yield its events in batches, as they come, until the terminal one; resume what breaks."""
        self._check_open()
        is_replayed = request.execution_id is not None and self.features >= _RESUMABLE
        reader = uuid.uuid4().hex if is_replayed else None
        resume = Resume(request, can_resume=is_replayed or request.is_stateless, reader=reader)
        while not resume.is_over():
            fault: SandboxException | None = None
            try:
                self._check_there()
                with self._mapped_faults():
                    with self._connections.exchange(resume.next_request()) as response:
                        _refuse(response)
                        resume.opened(status=response.status_code)
                        frames = FrameDecoder()
                        for chunk in response.iter_raw():
                            events = resume.accept(frames.feed(chunk))
                            if events:
                                yield events
                            # What is left is the end of the body: read, it leaves the connection usable. Daemons
                            # without our extensions take their time with it.
                            if resume.is_over() and not self.features:
                                break
            except StreamInterruptedException:
                raise
            except (SandboxConnectionException, SandboxApiException, ShuttingDownException) as broken:
                fault = broken
            if not resume.is_over():
                jitter = random.random()  # noqa: S311 - spread
                is_gone = self._is_gone() or self._connections.is_closed
                sleep(resume.lost(fault, now=time.monotonic(), jitter=jitter, is_gone=is_gone))

    def receive(self, request: Request, /) -> Generator[bytes, None]:
        """Send a request and yield the body of its answer as it comes; resume what breaks."""
        self._check_open()
        download = Download(request)
        while True:
            try:
                self._check_there()
                with self._mapped_faults():
                    with self._connections.exchange(download.next_request()) as response:
                        _refuse(response)
                        download.opened(status=response.status_code, headers=response.headers)
                        for chunk in response.iter_raw():
                            yield download.accept(chunk)
                        return
            except StreamInterruptedException:
                raise
            except (SandboxConnectionException, SandboxApiException, ShuttingDownException) as broken:
                jitter = random.random()  # noqa: S311 - spread
                is_gone = self._is_gone() or self._connections.is_closed
                wait = download.lost(broken, now=time.monotonic(), jitter=jitter, is_gone=is_gone)
            sleep(wait)

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()

    def _check_open(self) -> None:
        if self._connections.is_closed:
            raise ValueError("this sandbox is closed")

    def _check_there(self) -> None:
        if self._is_gone():
            message = f"the daemon at {self._endpoint.url} has ended"
            raise ExecdNotReadyException(message, details={"ended": True})

    @contextmanager
    def _mapped_faults(self) -> Iterator[None]:
        """Turn the HTTP library's exceptions into ours."""
        where = self._endpoint.url
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as fault:
            raise ExecdNotReadyException(f"could not connect to {where}: {str(fault) or 'no answer'}") from fault
        except httpx.TimeoutException as fault:
            raise RequestTimeoutException(f"no answer from {where} in time") from fault
        except (httpx.HTTPError, httpx.StreamError) as fault:
            raise SandboxConnectionException(f"the connection to {where} broke: {fault}") from fault
        except RuntimeError as fault:
            if not self._connections.is_closed:
                raise
            raise SandboxConnectionException("the sandbox was closed meanwhile") from fault
        except httpx.InvalidURL as fault:
            raise ValueError(f"not a URL: {where}: {fault}") from fault


def _refuse(response: httpx.Response) -> None:
    if not response.is_success:
        body = response.read()
        raise decode.refusal(response.status_code, body, dict(response.headers))
