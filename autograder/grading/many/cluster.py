"""The engine of a cluster: the workers of a Dask scheduler."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from autograder.grading.many.engine import FOR_EACH_WORKER, SchedulerLost
from autograder.grading.many.proof import BatchRefused

CONNECT_SECONDS = 10


class Cluster:
    """The workers of a Dask scheduler, however many there are at the time."""

    def __init__(self, address: str, device: str) -> None:
        try:
            import distributed
        except ImportError:
            raise BatchRefused(
                "`--scheduler` needs the package `distributed`, which is not installed here: "
                "run `pip install -e '.[cluster]'`"
            ) from None
        if not re.fullmatch(r"[a-z]+://\S+:\d+", address):
            raise BatchRefused(
                f"{address} is no address of a scheduler: give the one that `dask scheduler` "
                "prints, tcp://HOST:PORT"
            )
        security = distributed.Security().get_connection_args("client")
        if address.startswith("tls:") and not security.get("ssl_context"):
            raise BatchRefused(
                f"{address} wants a certificate, and Dask's configuration here names none under "
                "distributed.comm.tls.client: see docs/clusters.md"
            )
        self.died: tuple[type[Exception], ...] = (distributed.KilledWorker,)
        self._resources = {"GPU": 1} if device == "cuda" else None
        self._counted = (0.0, 0)
        try:
            self._client = distributed.Client(
                address, timeout=CONNECT_SECONDS, set_as_default=False
            )
        except (OSError, RuntimeError) as error:
            raise BatchRefused(
                f"no scheduler answers at {address} ({type(error).__name__}: {error}): start one "
                "with `dask scheduler`, and give the address that it prints, tcp://HOST:PORT"
            ) from None
        try:
            self._wait_for_workers(address)
        except BaseException:
            self._client.close()
            raise
        # Which worker fails may be the node's fault: another try may be given elsewhere.
        self._executor = self._client.get_executor(pure=False, retries=1, resources=self._resources)

    def _wait_for_workers(self, address: str) -> None:
        deadline = time.monotonic() + CONNECT_SECONDS
        while not self._count():
            if time.monotonic() > deadline:
                offering = " that offer a GPU" if self._resources else ""
                option = " --resources GPU=1" if self._resources else ""
                raise BatchRefused(
                    f"the scheduler at {address} has no workers{offering}: start some with "
                    f"`dask worker {address} --nthreads 1{option}`, and run this again"
                )
            time.sleep(0.2)

    def _count(self) -> int:
        try:
            workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        except (OSError, RuntimeError) as error:
            raise SchedulerLost from error
        return sum(
            all(w["resources"].get(name, 0) >= n for name, n in (self._resources or {}).items())
            for w in workers
        )

    @property
    def workers(self) -> int:
        """How many workers there are now; asked every few seconds, for clusters grow and shrink."""
        asked, count = self._counted
        if time.monotonic() - asked > 5:
            self._counted = (time.monotonic(), count := self._count())
        return max(count, 1)

    @property
    def window(self) -> int:
        """In proportion to the workers."""
        return self.workers * FOR_EACH_WORKER

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Call the function in one of the workers."""
        return self._executor.submit(function, *arguments)

    def renew(self) -> None:
        """The scheduler replaces what has died."""

    def close(self, *, kill: bool) -> None:
        """Leave the cluster; it forgets what it has not begun."""
        self._client.close()
