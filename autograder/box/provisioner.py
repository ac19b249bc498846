"""The box as a Jupyter kernel provisioner: whatever runs kernels by kernelspec runs them confined.

The kernelspec ``course-box`` names it, and says where launchers come from.
"""

from __future__ import annotations

import asyncio
import signal
from typing import Any, Protocol

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Unicode
from traitlets.utils.importstring import import_item


class _Kernel(Protocol):
    connection: dict[str, Any]

    @property
    def end(self) -> str | None: ...

    def kill(self) -> None: ...


class BoxProvisioner(KernelProvisionerBase):
    """Forks a confined kernel for each that is asked for."""

    launcher = Unicode(
        config=True, help="Dotted name of a function that returns the launcher of this process."
    )
    _kernel: _Kernel | None = None

    @property
    def has_process(self) -> bool:
        """Whether a kernel has been started and not ended."""
        return self._kernel is not None

    async def poll(self) -> int | None:
        """None while the kernel runs."""
        return None if self._kernel is not None and self._kernel.end is None else 0

    async def wait(self) -> int | None:
        """Wait until the kernel has ended."""
        while await self.poll() is None:
            await asyncio.sleep(0.02)
        await self.kill()
        return 0

    async def send_signal(self, signum: int) -> None:
        """Interrupts come as messages; any other signal ends the kernel."""
        if signum not in (0, signal.SIGINT):
            await self.kill()

    async def kill(self, restart: bool = False) -> None:
        """End the kernel and everything that it started."""
        if self._kernel is not None:
            self._kernel.kill()
        self._kernel = None

    async def terminate(self, restart: bool = False) -> None:
        """End the kernel and everything that it started."""
        await self.kill(restart)

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """There is no command: the warm parent forks."""
        return {**await super().pre_launch(**kwargs), "cmd": []}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel; its sockets are there when this returns.

        Raises: NoBox, where this machine cannot confine.
        """
        # The first kernel of a process builds the box, which takes seconds.
        started = await asyncio.to_thread(lambda: import_item(self.launcher)().start())
        self._kernel = started
        given: Any = {**started.connection, "key": started.connection["key"].encode()}
        self.connection_info = given
        return self.connection_info

    async def cleanup(self, restart: bool = False) -> None:
        """Leave nothing running."""
        await self.kill(restart)
