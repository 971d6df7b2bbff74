# SPDX-License-Identifier: MIT
from types import TracebackType
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Type, TypeVar, Union, overload

from ._values import Value

_T = TypeVar("_T")
_D = TypeVar("_D")
_Key = Union[str, bytes]
_Tags = Sequence[_Key]

class Segment:
    name: Optional[str]
    def __init__(
        self,
        name: Optional[str],
        options: Dict[str, Any],
        defaults: Dict[str, Any],
        dumps: Optional[Callable[[Any], Union[bytes, str]]],
        loads: Optional[Callable[[bytes], Any]],
        /,
    ) -> None: ...
    @overload
    def get(self, key: _Key, /) -> Any: ...
    @overload
    def get(self, key: _Key, default: _D, /) -> Union[Any, _D]: ...
    def peek(self, key: _Key, default: Any = None, /) -> Any: ...
    @overload
    def get_or_create(
        self,
        key: _Key,
        creator: Callable[[], Value[_T]],
        /,
        *,
        ttl: Optional[float] = ...,
        neg_ttl: Optional[float] = ...,
        grace: Optional[float] = ...,
        stale_if_error: Optional[float] = ...,
        timeout: Optional[float] = ...,
        lease: Optional[float] = ...,
        beta: float = ...,
        breaker: Optional[Tuple[int, float]] = ...,
        max_waiters: int = ...,
        retry_on_failure: bool = ...,
        stale_on_timeout: bool = ...,
        refresh: bool = ...,
        tags: Optional[_Tags] = ...,
        claim: Optional[_Key] = ...,
    ) -> _T: ...
    @overload
    def get_or_create(
        self,
        key: _Key,
        creator: Callable[[], _T],
        /,
        *,
        ttl: Optional[float] = ...,
        neg_ttl: Optional[float] = ...,
        grace: Optional[float] = ...,
        stale_if_error: Optional[float] = ...,
        timeout: Optional[float] = ...,
        lease: Optional[float] = ...,
        beta: float = ...,
        breaker: Optional[Tuple[int, float]] = ...,
        max_waiters: int = ...,
        retry_on_failure: bool = ...,
        stale_on_timeout: bool = ...,
        refresh: bool = ...,
        tags: Optional[_Tags] = ...,
        claim: Optional[_Key] = ...,
    ) -> _T: ...
    def set(
        self,
        key: _Key,
        value: Any,
        /,
        *,
        ttl: Optional[float] = ...,
        grace: Optional[float] = ...,
        stale_if_error: Optional[float] = ...,
        tags: Optional[_Tags] = ...,
    ) -> None: ...
    def touch(self, key: _Key, ttl: Optional[float] = None, /) -> bool: ...
    def invalidate_tag(self, tag: _Key, /) -> None: ...
    def counters(self) -> Dict[str, int]: ...
    def verify(self) -> int: ...
    def _entry(self, key: _Key, /) -> Optional[Tuple[Any, int, float]]: ...
    def _has(self, key: _Key, /) -> bool: ...
    def _set_if(self, key: _Key, value: Any, generation: int, ttl: Any, /) -> bool: ...
    def _invalidate(self, key: _Key, hard: bool, /) -> bool: ...
    def _invalidate_all(self, hard: bool, /) -> int: ...
    def _keys(self, prefix: _Key, /) -> List[bytes]: ...
    def _lock(self, hold: Type[Hold], name: _Key, timeout: Optional[float], shared: bool, rank: int, /) -> Hold: ...
    def _semaphore(self, hold: Type[Hold], name: _Key, permits: int, timeout: Optional[float], rank: int, /) -> Hold: ...

class Hold:
    @property
    def generation(self) -> int: ...
    @property
    def owner_died(self) -> bool: ...
    def acquire(self, blocking: bool = True, timeout: Optional[float] = -1) -> bool: ...
    def release(self) -> None: ...
    def locked(self) -> bool: ...
    def __enter__(self) -> Hold: ...
    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
        /,
    ) -> None: ...

def unlink(name: Optional[str], /) -> bool: ...
def version() -> str: ...
