from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from .worlds import World, world


@pytest.fixture
async def kernels(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One world for a module whose tests are about cells: its kernels stand ready, as they do in a sandbox."""
    async with world(tmp_path_factory.mktemp("shared"), pool=1) as made:
        made.contexts.fill()
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def emptied(shared: World) -> AsyncIterator[World]:
    """The module's world without a context; what asks for it runs on the module's loop."""
    yield shared
    await shared.contexts.delete_all("python")
