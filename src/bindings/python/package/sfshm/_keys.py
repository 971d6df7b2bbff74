# SPDX-License-Identifier: MIT
"""Keys from arguments, and short keys from long ones."""

from __future__ import annotations

import hashlib
from typing import Any, Callable, Mapping, Tuple

_PLAIN = (str, bytes, int, float, bool, type(None))


def hashed(key: bytes) -> bytes:
    """A key in place of one that is longer than the library takes."""
    return b"sha256:" + hashlib.sha256(key).hexdigest()[:48].encode()


def _check(value: Any, function: Callable[..., Any]) -> None:
    if type(value) in _PLAIN:
        return
    if type(value) is tuple:
        for part in value:
            _check(part, function)
        return
    raise TypeError(
        f"{function.__qualname__}() has an argument of type "
        f"{type(value).__name__}, which makes no key by itself: "
        f"give memoize() a key="
    )


def of_call(
    function: Callable[..., Any], args: Tuple[Any, ...], named: Mapping[str, Any]
) -> str:
    """A key for a call whose arguments are plain, the same in all processes."""
    for value in args:
        _check(value, function)
    for value in named.values():
        _check(value, function)
    parts = [repr(value) for value in args]
    parts += [f"{name}={named[name]!r}" for name in sorted(named)]
    return f"{function.__module__}.{function.__qualname__}({', '.join(parts)})"
