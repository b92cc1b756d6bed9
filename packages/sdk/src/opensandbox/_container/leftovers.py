"""Containers that a killed client had created and not started: nothing runs in them, so no lease ends them."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from opensandbox._container.faults import mapped_faults
from opensandbox._core.container import LABEL
from opensandbox.exceptions import ExecdNotReadyException

if TYPE_CHECKING:
    import docker

_OLD_S: Final = 60
"""Between creation and start lies one request of the same client."""


def remove_leftovers(client: docker.DockerClient) -> None:
    """Remove ours that were created a minute ago and never started; whatever keeps it from that is not told."""
    with suppress(ExecdNotReadyException), mapped_faults("list containers"):
        created = client.containers.list(all=True, filters={"label": LABEL, "status": "created"}, sparse=True)
        for container in created:
            if time.time() - container.attrs["Created"] > _OLD_S:
                with suppress(ExecdNotReadyException), mapped_faults("remove a container"):
                    container.remove(v=True)  # not by force: one that has started meanwhile stays
