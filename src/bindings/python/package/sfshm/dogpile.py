# SPDX-License-Identifier: MIT
"""A dogpile.cache backend: one creator for each key among all processes.

    region = make_region().configure(
        "sfshm", expiration_time=60, arguments={"name": "shop"}
    )

The arguments are those of sfshm.Cache, except `serializer`. `ttl` is how long
the segment keeps a value, whatever the region's expiration_time says; by default
for ever, so that an expired value serves while one caller makes a new one.
`lock_timeout` bounds the wait for another creator; at its end the caller gets
sfshm.Timeout.
"""

from __future__ import annotations

import errno
from typing import Any, Dict, List, Mapping, Sequence

from dogpile.cache.api import NO_VALUE, BytesBackend
from dogpile.cache.region import register_backend

from ._cache import Cache
from ._errors import Timeout


class _Mutex:
    """A lock as dogpile calls it; it belongs to the thread that took it."""

    def __init__(self, cache: Cache, key: str, timeout: Any) -> None:
        self._lock = cache.lock(key)
        self._timeout = timeout

    def acquire(self, wait: bool = True) -> bool:
        if self._lock.acquire(wait, self._timeout):
            return True
        # After False dogpile would create, and release a lock it does not hold.
        if wait:
            raise Timeout("another creator has held the key for too long", -errno.ETIMEDOUT)
        return False

    def release(self) -> None:
        self._lock.release()

    def locked(self) -> bool:
        """Takes a free lock for a moment: no call looks at a lock without that."""
        if self._lock.locked():
            return True
        if not self._lock.acquire(False):
            return True
        self._lock.release()
        return False


class SfshmBackend(BytesBackend):  # type: ignore[misc]
    """Values are bytes in the segment, and the locks are there, too."""

    def __init__(self, arguments: Dict[str, Any]) -> None:
        options = dict(arguments)
        self.lock_timeout = options.pop("lock_timeout", None)
        options.setdefault("ttl", None)
        self.cache = Cache(options.pop("name", None), serializer=None, **options)

    def get_mutex(self, key: str) -> _Mutex:
        return _Mutex(self.cache, key, self.lock_timeout)

    def get_serialized(self, key: str) -> Any:
        return self.cache.get(key, NO_VALUE)

    def get_serialized_multi(self, keys: Sequence[str]) -> List[Any]:
        return [self.cache.get(key, NO_VALUE) for key in keys]

    def set_serialized(self, key: str, value: bytes) -> None:
        self.cache.set(key, value)

    def set_serialized_multi(self, mapping: Mapping[str, bytes]) -> None:
        for key, value in mapping.items():
            self.cache.set(key, value)

    def delete(self, key: str) -> None:
        self.cache.delete(key)

    def delete_multi(self, keys: Sequence[str]) -> None:
        self.cache.delete_many(keys)


# A copy of the package that was not installed has no entry points.
register_backend("sfshm", __name__, "SfshmBackend")
