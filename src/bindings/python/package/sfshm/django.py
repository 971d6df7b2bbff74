# SPDX-License-Identifier: MIT
"""A Django cache backend whose get_or_set() makes each value once.

    CACHES = {
        "default": {
            "BACKEND": "sfshm.django.SfshmCache",
            "LOCATION": "shop",
            "TIMEOUT": 300,
            "OPTIONS": {"grace": 30, "size": 64 * 1024 * 1024},
        }
    }

LOCATION is the segment's name. OPTIONS are those of sfshm.Cache, except `ttl`. If
the function of get_or_set() raises, its own caller gets the exception, and the
next caller runs its own function, so that each can catch the exceptions that it
expects. With "retry_on_failure": False the others get sfshm.WorkFailed instead.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

from ._cache import Cache
from ._errors import Full, log


class SfshmCache(BaseCache):  # type: ignore[misc]
    """All of Django's cache interface; bytes, str and None are not pickled."""

    def __init__(self, location: str, params: Dict[str, Any]) -> None:
        super().__init__(params)
        options = dict(params.get("OPTIONS", {}))
        # Django's own options mean nothing here: the segment has a size.
        for name in ("MAX_ENTRIES", "CULL_FREQUENCY"):
            options.pop(name, None)
        options.setdefault("retry_on_failure", True)
        self._name = location or None
        self._options = options
        self._opened: Optional[Cache] = None

    @property
    def cache(self) -> Cache:
        """The sfshm.Cache, with locks, tags and more. Opens at its first use."""
        if self._opened is None:
            self._opened = Cache(self._name, **self._options)
        return self._opened

    def _key(self, key: Any, version: Optional[int]) -> str:
        made = self.make_key(key, version=version)
        self.validate_key(made)
        return str(made)

    def validate_key(self, key: Any) -> None:
        """Any key will do; one that is too long is hashed."""

    def _ttl(self, timeout: Any) -> Optional[float]:
        """Seconds; None is for ever; 0 or less: do not keep it."""
        if timeout is DEFAULT_TIMEOUT:
            timeout = self.default_timeout
        return None if timeout is None else max(0.0, float(timeout))

    def get(self, key: Any, default: Any = None, version: Optional[int] = None) -> Any:
        return self.cache.get(self._key(key, version), default)

    def set(
        self,
        key: Any,
        value: Any,
        timeout: Any = DEFAULT_TIMEOUT,
        version: Optional[int] = None,
    ) -> None:
        made, ttl = self._key(key, version), self._ttl(timeout)
        if ttl == 0:
            self.cache.delete(made)
            return
        try:
            self.cache.set(made, value, ttl=ttl)
        except Full as full:
            # set() has removed the old value, so nobody gets that instead.
            log.warning("%s is not stored: %s", made, full)

    def add(
        self,
        key: Any,
        value: Any,
        timeout: Any = DEFAULT_TIMEOUT,
        version: Optional[int] = None,
    ) -> bool:
        made, ttl = self._key(key, version), self._ttl(timeout)
        if ttl == 0:
            return made not in self.cache
        try:
            return self.cache.add(made, value, ttl=ttl)
        except Full as full:
            log.warning("%s is not stored: %s", made, full)
            return False

    def get_or_set(
        self,
        key: Any,
        default: Any,
        timeout: Any = DEFAULT_TIMEOUT,
        version: Optional[int] = None,
    ) -> Any:
        """One caller among all processes calls `default`; the others wait."""
        create: Callable[[], Any] = default if callable(default) else lambda: default
        return self.cache.get_or_create(
            self._key(key, version), create, ttl=self._ttl(timeout)
        )

    async def aget_or_set(
        self,
        key: Any,
        default: Any,
        timeout: Any = DEFAULT_TIMEOUT,
        version: Optional[int] = None,
    ) -> Any:
        """get_or_set() that does not stop the event loop.

        `default` may be a coroutine function.
        """
        create: Callable[[], Any] = default if callable(default) else lambda: default
        return await self.cache.aget_or_create(
            self._key(key, version), create, ttl=self._ttl(timeout)
        )

    def touch(
        self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: Optional[int] = None
    ) -> bool:
        made, ttl = self._key(key, version), self._ttl(timeout)
        if ttl == 0:
            return self.cache.delete(made)
        return self.cache.touch(made, ttl)

    def delete(self, key: Any, version: Optional[int] = None) -> bool:
        return self.cache.delete(self._key(key, version))

    def has_key(self, key: Any, version: Optional[int] = None) -> bool:
        return self._key(key, version) in self.cache

    def incr(self, key: Any, delta: int = 1, version: Optional[int] = None) -> int:
        """Atomic among all processes. The value starts a new lifetime."""
        made = self._key(key, version)
        ttl = self._ttl(DEFAULT_TIMEOUT)
        while True:
            entry = self.cache.entry(made)
            if entry is None:
                raise ValueError(f"Key '{key}' not found")
            value = entry.value + delta
            if self.cache.replace(made, value, entry.generation, ttl=ttl):
                return int(value)

    def clear(self) -> None:
        self.cache.clear()
