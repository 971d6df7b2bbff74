# SPDX-License-Identifier: MIT
"""What callers say of values, and what they learn of them."""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, Optional, Sequence, TypeVar, Union

T = TypeVar("T")


class Value(Generic[T]):
    """What a creator returns to say more of its value.

    `ttl` is the value's lifetime in seconds, in place of the call's. `tags` are
    more tags. With `share=False` only the caller whose creator this is gets the
    value: for an answer that turns out to be of one user alone.
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
