"""A synchronous object is used as its asynchronous twin would be."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Generator, Iterable, Iterator
from types import TracebackType
from typing import Self

import pytest

from execd_conformance.sdk import Adapted, adapted, plain


class Lines:
    """The asynchronous stream."""

    count: int

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None: ...

    def __aiter__(self) -> AsyncIterator[str]:
        raise NotImplementedError


class Client:
    """The asynchronous client."""

    lines: Lines

    async def wait(self, text: str) -> str:
        raise NotImplementedError

    def name(self, text: str) -> str:
        raise NotImplementedError

    def stream(self) -> Lines:
        raise NotImplementedError

    def numbers(self) -> AsyncGenerator[int, None]:
        raise NotImplementedError

    async def send(self, data: AsyncIterable[bytes]) -> bytes:
        raise NotImplementedError

    async def same(self, other: Client) -> bool:
        raise NotImplementedError


class LinesSync:
    def __init__(self) -> None:
        self.count = 2
        self.left: object = "never"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.left = kind

    def __iter__(self) -> Iterator[str]:
        yield from ("a", "b")


class ClientSync:
    def __init__(self) -> None:
        self.lines = LinesSync()
        self.threads: list[threading.Thread] = []

    def wait(self, text: str) -> str:
        self.threads.append(threading.current_thread())
        if text == "fail":
            raise ValueError(text)
        return text.upper()

    def name(self, text: str) -> str:
        return text

    def stream(self) -> LinesSync:
        return self.lines

    def numbers(self) -> Generator[int, None, None]:
        yield from range(3)

    def send(self, data: Iterable[bytes]) -> bytes:
        return b"".join(data)

    def same(self, other: ClientSync) -> bool:
        return other is self


@pytest.fixture
def inner() -> ClientSync:
    return ClientSync()


@pytest.fixture
def client(inner: ClientSync) -> Client:
    return Adapted(inner, Client)  # type: ignore[return-value]


async def test_what_waits_is_awaited_and_runs_in_a_thread(client: Client, inner: ClientSync) -> None:
    assert await client.wait("hi") == "HI"
    assert inner.threads != [threading.main_thread()]


async def test_its_exceptions_come_through(client: Client) -> None:
    with pytest.raises(ValueError, match="fail"):
        await client.wait("fail")


async def test_what_does_not_wait_returns_at_once(client: Client) -> None:
    assert client.name("x") == "x"


async def test_a_stream_is_entered_read_and_left(client: Client, inner: ClientSync) -> None:
    async with client.stream() as stream:
        assert [line async for line in stream] == ["a", "b"]
        assert stream.count == 2
    assert inner.lines.left is None


async def test_leaving_it_tells_of_the_exception(client: Client, inner: ClientSync) -> None:
    with pytest.raises(KeyError):
        async with client.stream():
            raise KeyError
    assert inner.lines.left is KeyError


async def test_an_attribute_is_adapted_by_its_annotation(client: Client) -> None:
    assert [line async for line in client.lines] == ["a", "b"]


async def test_a_generator_is_iterated_and_closed(client: Client) -> None:
    numbers = client.numbers()
    assert await anext(numbers) == 0
    await numbers.aclose()
    assert [each async for each in client.numbers()] == [0, 1, 2]


async def test_an_asynchronous_source_feeds_a_call_that_blocks(client: Client) -> None:
    async def source() -> AsyncIterator[bytes]:
        for each in (b"a", b"b"):
            await asyncio.sleep(0)
            yield each

    assert await client.send(source()) == b"ab"


async def test_arguments_are_what_stands_behind_them(client: Client) -> None:
    assert await client.same(client)


async def test_a_call_that_is_cancelled_is_left_alone(inner: ClientSync) -> None:
    gate = threading.Event()
    inner.wait = lambda text: str(gate.wait(30))  # type: ignore[method-assign]
    client: Client = Adapted(inner, Client)  # type: ignore[assignment]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.wait("x")
    gate.set()


def test_data_is_what_it_is() -> None:
    assert adapted("x", str) == "x"
    assert adapted([1], list[int]) == [1]
    assert plain({"a": 1}) == {"a": 1}
