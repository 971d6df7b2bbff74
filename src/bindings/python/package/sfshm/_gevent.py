# SPDX-License-Identifier: MIT
"""Waits in programs whose threads gevent has replaced by greenlets.

A wait gives way to the thread's other greenlets. The steps are those of
_async.py, taken by gevent's calls.
"""

from __future__ import annotations

import importlib
import os
import weakref
from typing import Any, Callable

from . import _core
from ._async import ALONE, BEGIN, HELD, RETURN, SLEEP, WAIT, Ask
from ._errors import Timeout

# Not all releases of gevent have types.
gevent: Any = importlib.import_module("gevent")
for _name in "event", "hub", "monkey":
    importlib.import_module(f"gevent.{_name}")


class _Hub:
    """The queue of one hub, which is a thread's event loop."""

    def __init__(self, hub: Any) -> None:
        self.pid = os.getpid()
        self.queue = _core.Queue()
        self.watcher = hub.loop.io(self.queue.fileno(), 1)
        self.waits = 0

    def wake(self) -> None:
        for event in self.queue.ready():
            event.set()

    # The watcher runs only while a greenlet waits, because a hub with a watcher
    # that runs does not end.
    def __enter__(self) -> _core.Queue:
        if self.waits == 0:
            self.watcher.start(self.wake)
        self.waits += 1
        return self.queue

    def __exit__(self, *error: Any) -> None:
        self.waits -= 1
        if self.waits == 0:
            self.watcher.stop()


_hubs: weakref.WeakKeyDictionary[Any, _Hub] = weakref.WeakKeyDictionary()


def _of(hub: Any) -> _Hub:
    mine = _hubs.get(hub)
    if mine is None or mine.pid != os.getpid():
        mine = _hubs[hub] = _Hub(hub)
    return mine


def _in_thread(hub: Any, ask: Ask) -> int:
    """Waits in a thread, for what the queue cannot watch."""
    sleep = hub.threadpool.spawn(ask.sleep)
    try:
        step: int = sleep.get()
        return step
    except BaseException:
        # The greenlet is killed, or its gevent.Timeout is over. The thread may
        # come to lead or hold meanwhile.
        ask.wake()
        sleep.rawlink(lambda done: ask.close())
        raise


def _answer(ask: Ask) -> int:
    """Waits, if the ask has to. Returns the step that comes then."""
    hub = gevent.hub.get_hub()
    step = ask.step
    if step == BEGIN and gevent.getcurrent() is hub:
        # The hub itself cannot give way.
        return ask.sleep()
    if step == BEGIN:
        with _of(hub) as queue:
            event = gevent.event.Event()
            step = ask.begin(queue, event)
            while step == WAIT:
                event.wait()
                event = gevent.event.Event()
                step = ask.finish(event)
    if step == SLEEP:
        step = _in_thread(hub, ask)
    return step


def get_or_create(
    cache: _core.Segment,
    key: Any,
    function: Callable[[], Any],
    /,
    **options: Any,
) -> Any:
    """Returns NotImplemented if gevent has not replaced this program's threads."""
    if not gevent.monkey.is_module_patched("threading"):
        return NotImplemented
    task = id(gevent.getcurrent())
    ask = cache._ask(_core.Ask, task, key, **options)
    if type(ask) is not _core.Ask:
        return ask
    try:
        step = _answer(ask)
        if step == RETURN:
            return ask.take()
        if step == ALONE:
            return ask.unwrap(function())
        try:
            return ask.publish(function())
        except BaseException as error:
            # Raises the exception again, unless an old value may serve.
            return ask.fail(error)[0]
    finally:
        if ask.step != SLEEP:
            ask.close()


def current() -> Any:
    """The greenlet that runs; None if gevent has not replaced the threads."""
    if not gevent.monkey.is_module_patched("threading"):
        return None
    return gevent.getcurrent()


def hold(take: _core.Take) -> bool:
    """Waits for the lock or permit; returns whether it is held."""
    try:
        if take.step != HELD:
            _answer(take)
        return True
    except Timeout:
        return False
    except BaseException:
        if take.step != SLEEP:
            take.close()
        raise
