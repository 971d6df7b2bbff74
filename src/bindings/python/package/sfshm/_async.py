# SPDX-License-Identifier: MIT
"""Waits of asyncio: the loop goes on.

The library watches the waits of a loop, and makes one descriptor readable when
some may be over. Only a wait that it cannot watch takes a thread. The steps are
those of core/core.h.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import weakref
from typing import Any, Callable, Dict, Union

from . import _core

BEGIN, WAIT, SLEEP, LEAD, ALONE, RETURN, HELD = range(7)

Ask = Union[_core.Ask, _core.Take]


class _Loop:
    """The queue of one event loop, in the process that made it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.pid = os.getpid()
        self.queue = _core.Queue()
        # The loop keeps this method, and thereby the queue.
        loop.add_reader(self.queue.fileno(), self.wake)

    def wake(self) -> None:
        for future in self.queue.ready():
            if not future.done():
                future.set_result(None)


_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Loop]
_loops = weakref.WeakKeyDictionary()


def _queue(loop: asyncio.AbstractEventLoop) -> _core.Queue:
    mine = _loops.get(loop)
    if mine is None or mine.pid != os.getpid():
        mine = _loops[loop] = _Loop(loop)
    return mine.queue


def _drop(sleep: asyncio.Future[int], ask: Ask) -> None:
    """Gives back what a thread has come to lead or hold for a cancelled task."""
    if not sleep.cancelled() and not sleep.exception():
        ask.close()


async def _in_thread(loop: asyncio.AbstractEventLoop, ask: Ask) -> int:
    """Waits in a thread, for what the queue cannot watch."""
    sleep = loop.run_in_executor(None, ask.sleep)
    try:
        return await asyncio.shield(sleep)
    except asyncio.CancelledError:
        ask.wake()
        sleep.add_done_callback(lambda done: _drop(done, ask))
        raise


async def _answer(ask: Ask) -> int:
    """Waits, if the ask has to. Returns the step that comes then."""
    loop = asyncio.get_running_loop()
    step = ask.step
    if step == BEGIN:
        future = loop.create_future()
        step = ask.begin(_queue(loop), future)
        while step == WAIT:
            await future
            future = loop.create_future()
            step = ask.finish(future)
        if step == SLEEP:
            step = await _in_thread(loop, ask)
    return step


async def _made(function: Callable[[], Any]) -> Any:
    made = function()
    return await made if inspect.isawaitable(made) else made


async def get_or_create(
    cache: _core.Segment,
    key: Any,
    function: Callable[[], Any],
    options: Dict[str, Any],
) -> Any:
    task = asyncio.current_task()
    ask = cache._ask(_core.Ask, id(task) if task else 0, key, **options)
    if type(ask) is not _core.Ask:
        return ask
    try:
        step = await _answer(ask)
        if step == RETURN:
            return ask.take()
        if step == ALONE:
            return ask.unwrap(await _made(function))
        try:
            return ask.publish(await _made(function))
        except BaseException as error:
            # Raises the exception again, unless an old value may serve.
            return ask.fail(error)[0]
    finally:
        if ask.step != SLEEP:
            ask.close()


async def hold(take: _core.Take) -> None:
    """Waits until the lock or permit is held.

    In this thread only finish() and begin() take it, and the task does not give
    way between them and its return. If sleep() takes it in another thread for a
    cancelled task, _drop() gives it back. So a cancelled task holds nothing.
    """
    try:
        if take.step != HELD:
            await _answer(take)
    except BaseException:
        if take.step != SLEEP:
            take.close()
        raise
