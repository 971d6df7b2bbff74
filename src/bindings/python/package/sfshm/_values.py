# SPDX-License-Identifier: MIT
"""Values with options that a creator sets, and values with generation and age."""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, Optional, Sequence, TypeVar, Union

T = TypeVar("T")


class Value(Generic[T]):
    """A value with options; a creator may return it in place of a plain value.

    `ttl` is the value's lifetime in seconds, in place of the call's. `tags` are
    more tags. With `share=False` only the caller that ran the creator gets the
    value: for an answer that turns out to concern one user alone.
    """

    __slots__ = ("value", "ttl", "tags", "share")

    def __init__(
        self,
        value: T,
        *,
        ttl: Any = ...,
        tags: Sequence[Union[str, bytes]] = (),
        share: bool = True,
    ) -> None:
        self.value = value
        self.ttl = ttl
        self.tags = tuple(tags)
        self.share = share


class Entry(NamedTuple):
    """A value with what the segment knows of it."""

    value: Any
    generation: int
    age: float


Seconds = Optional[float]
