# SPDX-License-Identifier: MIT
"""Locks and semaphores for asyncio."""

from __future__ import annotations

import asyncio
import errno
from types import TracebackType
from typing import Any, List, Optional, Tuple, Type

from . import _async, _core
from ._errors import Error, Timeout

# A task, or None, and what it has acquired.
_Held = Tuple[Optional["asyncio.Task[Any]"], _core.Take]


def _current() -> Optional[asyncio.Task[Any]]:
    """The task that runs; None in a thread without a loop."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


class AsyncHold:
    """A lock or a semaphore for tasks: Cache.alock() and Cache.asemaphore().

    Several tasks may share one object, as with asyncio.Lock. Any of them may
    release a lock or permit that another one has acquired. A task releases its
    own first, so that the library knows what each of them holds.
    """

    def __init__(self, hold: _core.Hold) -> None:
        self._hold = hold
        self._held: List[_Held] = []
        self._owner_died = False

    @property
    def owner_died(self) -> bool:
        """Whether the lock's last holder died before this object got the lock."""
        return self._owner_died

    @property
    def generation(self) -> int:
        """A number that grows with each holder of the lock; 0: none is held."""
        return self._held[-1][1].generation if self._held else 0

    def locked(self) -> bool:
        """Whether this object holds the lock, or a permit."""
        return bool(self._held)

    async def _keep(self, take: _core.Take) -> None:
        await _async.hold(take)
        self._held.append((_current(), take))
        self._owner_died = take.owner_died

    async def acquire(
        self, blocking: bool = True, timeout: Optional[float] = -1
    ) -> bool:
        """Whether it is held now. The time is seconds; -1 and None: no limit."""
        take = self._hold._take(asyncio.current_task(), blocking, timeout)
        if take is None:
            return False
        try:
            await self._keep(take)
        except Timeout:
            return False
        return True

    def _pop(self) -> _Held:
        """Removes the running task's latest hold, or else the latest of any."""
        task = _current()
        while True:
            held = self._held[:]
            if not held:
                raise Error(
                    "this object does not hold the lock or permit", -errno.EPERM
                )
            one = next((one for one in reversed(held) if one[0] is task), held[-1])
            try:
                self._held.remove(one)
            except ValueError:
                continue  # another thread was faster
            return one

    def release(self) -> None:
        held = self._pop()
        try:
            held[1].release()
        finally:
            # A release that fails for want of room may be tried again.
            if held[1].step == _async.HELD:
                self._held.append(held)

    async def __aenter__(self) -> AsyncHold:
        take = self._hold._take(asyncio.current_task())
        await self._keep(take)
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.release()
