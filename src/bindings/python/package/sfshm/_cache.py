# SPDX-License-Identifier: MIT
"""The class Cache."""

from __future__ import annotations

import errno
import functools
import inspect
import pickle
import time
from typing import (
    Any,
    Awaitable,
    Callable,
    Dict,
    Iterable,
    List,
    Mapping,
    Optional,
    TypeVar,
    Union,
    overload,
)

from . import _async, _core
from ._errors import Busy, Timeout
from ._hold import AsyncHold
from ._keys import of_call
from ._values import Entry, Seconds, Value

Key = Union[str, bytes]
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

_missing = object()


class _Pickle:
    @staticmethod
    def dumps(value: Any) -> bytes:
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)

    loads = staticmethod(pickle.loads)


def _given(**named: Any) -> Dict[str, Any]:
    """The arguments that were given; `...` stands for one that was not."""
    return {name: value for name, value in named.items() if value is not ...}


class Cache(_core.Segment):
    """Values that the processes of this host share; each is made once.

    `name` is the segment's: a word, or a path with a slash in it. Caches of one
    name in one process use one segment, which stays open; forked children use
    it as well. The first cache of a name makes the segment if it is missing,
    with `size` (bytes of all values), `slots` (keys), `max_value` (bytes of one
    value), `participants` (threads), `mode`, `owner` and `group`. Later caches
    of that name in the same process must pass the same seven, or none of them.

    Times are seconds. `ttl` is a value's lifetime, and None is for ever.
    `neg_ttl` is the lifetime of a failure. `grace` is how long past its lifetime
    a value serves while one caller makes a new one. `stale_if_error` is how long
    past its lifetime a value serves after making a new one has failed. `timeout`
    bounds the waits for another caller; None is no bound, and with 0 the call
    does not wait. After `lease` another caller may make the value, even if the
    first one is still making it. Each of these may also be given to
    get_or_create() and memoize().

    `serializer` has dumps() and loads(): a module such as pickle or json. Without
    one (None) the cache stores only bytes, str and None, which never need it.
    """

    def __init__(
        self,
        name: Optional[str] = None,
        *,
        ttl: Seconds = 300,
        neg_ttl: Seconds = 0,
        grace: Seconds = 0,
        stale_if_error: Seconds = 0,
        timeout: Seconds = 60,
        lease: Seconds = None,
        beta: float = 0,
        breaker: Any = None,
        max_waiters: int = 0,
        retry_on_failure: bool = False,
        stale_on_timeout: bool = False,
        serializer: Any = _Pickle,
        size: int = 0,
        slots: int = 0,
        max_value: int = 0,
        participants: int = 0,
        mode: int = 0,
        owner: Optional[int] = None,
        group: Optional[int] = None,
        create: bool = True,
        fleet: Optional[str] = None,
        fleet_options: Optional[Mapping[str, Any]] = None,
    ) -> None:
        options: Dict[str, Any] = {
            "size": size,
            "slots": slots,
            "max_value": max_value,
            "participants": participants,
            "mode": mode,
            "owner": owner,
            "group": group,
            "create": create,
        }
        defaults: Dict[str, Any] = {
            "ttl": ttl,
            "neg_ttl": neg_ttl,
            "grace": grace,
            "stale_if_error": stale_if_error,
            "timeout": timeout,
            "lease": lease,
            "beta": beta,
            "breaker": breaker,
            "max_waiters": max_waiters,
            "retry_on_failure": retry_on_failure,
            "stale_on_timeout": stale_on_timeout,
        }
        if serializer is pickle:
            serializer = _Pickle
        dumps = loads = None
        if serializer is not None:
            dumps, loads = serializer.dumps, serializer.loads
        self._timeout = timeout
        super().__init__(
            name, options, defaults, dumps, loads, fleet, dict(fleet_options or {})
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    # Another process has no use for the handle, so it opens the cache by name.
    def __reduce__(self) -> Any:
        raise TypeError("a cache cannot be pickled: open it by its name")

    def __contains__(self, key: Key) -> bool:
        return self._has(key)

    @overload
    async def aget_or_create(
        self, key: Key, function: Callable[[], Awaitable[Value[T]]], /, **options: Any
    ) -> T: ...

    @overload
    async def aget_or_create(
        self, key: Key, function: Callable[[], Awaitable[T]], /, **options: Any
    ) -> T: ...

    @overload
    async def aget_or_create(
        self, key: Key, function: Callable[[], T], /, **options: Any
    ) -> T: ...

    async def aget_or_create(
        self, key: Key, function: Callable[[], Any], /, **options: Any
    ) -> Any:
        """get_or_create() for asyncio. `function` may be a coroutine function.

        The loop goes on during a wait, and a wait takes no thread. If the task
        that makes the value is cancelled, another caller makes it.
        """
        return await _async.get_or_create(self, key, function, options)

    def get_many(self, keys: Iterable[Key]) -> Dict[Key, Any]:
        """The values of those keys that have one."""
        found = {}
        for key in keys:
            value = self.get(key, _missing)
            if value is not _missing:
                found[key] = value
        return found

    def set_many(self, values: Mapping[Key, Any], **options: Any) -> None:
        for key, value in values.items():
            self.set(key, value, **options)

    def _store_if(self, key: Key, value: Any, generation: int, ttl: Any) -> bool:
        """Sleeps while a resize moves values, but no longer than `timeout`."""
        end, pause = None, 0.001
        while True:
            try:
                return self._set_if(key, value, generation, ttl)
            except Busy:
                if self._timeout == 0:
                    raise
            now = time.monotonic()
            if end is None and self._timeout is not None:
                end = now + float(self._timeout)
            if end is not None and now >= end:
                raise Timeout("a resize goes on for too long", -errno.ETIMEDOUT)
            time.sleep(pause)
            pause = min(2 * pause, 0.032)

    def add(self, key: Key, value: Any, *, ttl: Any = ...) -> bool:
        """Stores a value if the key has no fresh one; returns whether it did."""
        return self._store_if(key, value, 0, ttl)

    def entry(self, key: Key) -> Optional[Entry]:
        """The value, with its generation and its age in seconds; or None."""
        found = self._entry(key)
        return None if found is None else Entry(*found)

    def replace(
        self, key: Key, value: Any, generation: int, *, ttl: Any = ...
    ) -> bool:
        """Stores a value if the present one has this generation: see entry().

        The new value has no tags.
        """
        if generation < 1:
            raise ValueError("generation is a number of entry(), above 0")
        return self._store_if(key, value, generation, ttl)

    def delete(self, key: Key) -> bool:
        """Removes a value. Work under way for the key does not store its value."""
        return self._invalidate(key, True)

    def delete_many(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._invalidate(key, True)

    def invalidate(self, key: Key) -> bool:
        """Ends a value's lifetime. Within `grace` the old value still serves."""
        return self._invalidate(key, False)

    def clear(self) -> int:
        """Removes all values; returns how many."""
        return self._invalidate_all(True)

    def keys(self, prefix: Key = "") -> List[bytes]:
        """The keys that begin with `prefix`, in no order."""
        return self._keys(prefix)

    def lock(
        self,
        name: Key,
        *,
        timeout: Seconds = None,
        shared: bool = False,
        rank: int = 0,
    ) -> _core.Hold:
        """A lock among all threads of all processes.

        `with` raises Timeout after `timeout`. If a holder dies, the next one
        gets the lock at once, and `owner_died` is true for it.
        """
        return self._lock(_core.Hold, _core.Take, name, timeout, shared, rank)

    def semaphore(
        self, name: Key, permits: int = 0, *, timeout: Seconds = None, rank: int = 0
    ) -> _core.Hold:
        """A semaphore. If it does not exist, its first use makes it.

        A new one has `permits` permits; 0: twice the processors, plus one. The
        permits of a holder that dies come back.
        """
        return self._semaphore(
            _core.Hold, _core.Take, name, permits, timeout, rank
        )

    def alock(self, name: Key, *, timeout: Seconds = None) -> AsyncHold:
        """lock() for asyncio: `async with cache.alock("x"): ...`.

        The loop goes on during a wait, and a wait takes no thread. A task that is
        cancelled while it waits leaves the lock to others.
        """
        return AsyncHold(self.lock(name, timeout=timeout))

    def asemaphore(
        self, name: Key, permits: int = 0, *, timeout: Seconds = None
    ) -> AsyncHold:
        """semaphore() for asyncio, as alock() is for lock()."""
        return AsyncHold(self.semaphore(name, permits, timeout=timeout))

    def memoize(
        self,
        key: Union[None, str, Callable[..., Key]] = None,
        *,
        ttl: Any = ...,
        neg_ttl: Any = ...,
        grace: Any = ...,
        stale_if_error: Any = ...,
        timeout: Any = ...,
        lease: Any = ...,
        beta: Any = ...,
        tags: Any = ...,
    ) -> Callable[[F], F]:
        """A decorator: one call of the function for each key and lifetime.

        `key` is a format string ("user:{0}", "user:{id}") or a function of the
        arguments. Without `key` the arguments must be plain: numbers, text,
        bytes, None and tuples of them. The decorated function has three methods
        that take the same arguments: invalidate(...), refresh(...) and key(...).
        If the function is a coroutine function, so are the decorated one and
        its refresh().
        """
        options = _given(
            ttl=ttl,
            neg_ttl=neg_ttl,
            grace=grace,
            stale_if_error=stale_if_error,
            timeout=timeout,
            lease=lease,
            beta=beta,
            tags=tags,
        )

        def decorate(function: F) -> F:
            made: F = _memoized(self, function, key, options)
            return made

        return decorate


def _memoized(cache: Cache, function: Any, key: Any, options: Dict[str, Any]) -> Any:
    is_coroutine = inspect.iscoroutinefunction(function)
    get_or_create: Callable[..., Any] = cache.get_or_create
    if is_coroutine:
        get_or_create = cache.aget_or_create

    if key is None:

        def key_of(*args: Any, **named: Any) -> Key:
            return of_call(function, args, named)

    elif isinstance(key, str):
        # The format may name a parameter that the caller passes by position.
        bind = inspect.signature(function).bind

        def key_of(*args: Any, **named: Any) -> Key:
            bound = bind(*args, **named)
            bound.apply_defaults()
            return str(key.format(*bound.args, **bound.arguments))

    else:
        key_of = key

    def call(*args: Any, **named: Any) -> Any:
        return get_or_create(
            key_of(*args, **named), lambda: function(*args, **named), **options
        )

    def invalidate(*args: Any, **named: Any) -> bool:
        return cache.invalidate(key_of(*args, **named))

    def refresh(*args: Any, **named: Any) -> Any:
        return get_or_create(
            key_of(*args, **named),
            lambda: function(*args, **named),
            refresh=True,
            **options,
        )

    async def acall(*args: Any, **named: Any) -> Any:
        return await call(*args, **named)

    # Frameworks look whether what they call is a coroutine function.
    made: Any = functools.wraps(function)(acall if is_coroutine else call)
    made.key = key_of
    made.invalidate = invalidate
    made.refresh = refresh
    return made
