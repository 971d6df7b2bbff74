# SPDX-License-Identifier: MIT
"""The library's outcomes as exceptions, and exceptions as outcomes."""

from __future__ import annotations

import errno
import logging
import time
from typing import Dict, Optional, Tuple, Type

log = logging.getLogger("sfshm")

# Bytes of a message that the segment keeps, without the final NUL.
MESSAGE_MAX = 255


class Error(Exception):
    """An error that the library reports. `code` is a negated errno value."""

    def __init__(self, message: str, code: int = -errno.EIO) -> None:
        super().__init__(message)
        self.message = message
        self.code = code

    def __reduce__(self) -> Tuple[Type["Error"], Tuple[str, int]]:
        return type(self), (self.message, self.code)


class WorkFailed(Error):
    """The work failed in another caller; `message` says how.

    A creator may raise this itself, to choose the code that others get.
    """


class NotFound(WorkFailed, LookupError):
    """The thing that the key names does not exist. A creator raises this."""

    def __init__(self, message: str = "", code: int = -errno.ENOENT) -> None:
        super().__init__(message, -errno.ENOENT)


class Timeout(Error, TimeoutError):
    """This caller's wait has ended; the work goes on elsewhere."""


class Busy(Error):
    """Another caller leads or holds the key, and this one must not wait."""


class LeadersDie(Error):
    """The breaker is open: callers that did this work have died."""


class Deadlock(Error):
    """The work asks for the key that it leads, or for one whose leader waits for it."""


class Full(Error):
    """The segment has no room, or the value is larger than `max_value`."""


class FleetAway(Error):
    """The fleet's server does not answer, or refuses the key."""


class Unusable(Error):
    """The segment cannot be opened or used."""


class Invalid(Error, ValueError):
    """An argument is out of range."""


_CLASSES: Dict[int, Type[Error]] = {
    errno.EREMOTEIO: WorkFailed,
    errno.ENOENT: NotFound,
    errno.ETIMEDOUT: Timeout,
    errno.EBUSY: Busy,
    errno.EAGAIN: Busy,
    errno.EHOSTDOWN: LeadersDie,
    errno.EHOSTUNREACH: FleetAway,
    errno.EREMOTE: FleetAway,
    errno.EDEADLK: Deadlock,
    errno.ENOSPC: Full,
    errno.EUSERS: Full,
    errno.EMSGSIZE: Full,
    errno.ESHUTDOWN: Unusable,
    errno.EPROTO: Unusable,
    errno.EBADMSG: Unusable,
    errno.ECHILD: Unusable,
    errno.EBADF: Unusable,
    errno.EINVAL: Invalid,
    errno.E2BIG: Invalid,
    errno.EDOM: Invalid,
    errno.ENAMETOOLONG: Invalid,
}


def make(outcome: int, code: int, message: str) -> Error:
    """The exception for an outcome of the library."""
    return _CLASSES.get(-outcome, Error)(message, code)


def describe(exception: BaseException) -> Tuple[int, bytes]:
    """The code and the message that followers of failed work get.

    The code is 0 for an exception that ends this caller only: SystemExit,
    Ctrl-C, a generator's end.
    """
    if not isinstance(exception, Exception):
        return 0, b""
    if isinstance(exception, WorkFailed):
        code, text = exception.code, exception.message
    else:
        code = -errno.EREMOTEIO
        number: Optional[int] = getattr(exception, "errno", None)
        # For the library ENOENT means that the thing of the key does not exist.
        if isinstance(number, int) and 0 < number < 4096 and number != errno.ENOENT:
            code = -number
        text = type(exception).__name__
        said = str(exception)
        if said:
            text += ": " + said
    return code, _short(text.encode("utf-8", "backslashreplace"))


def _short(text: bytes) -> bytes:
    text = text.replace(b"\0", b" ")
    if len(text) <= MESSAGE_MAX:
        return text
    cut = text[: MESSAGE_MAX - 3].decode("utf-8", "ignore")
    return cut.encode() + b"..."


_told: Dict[int, float] = {}


def _is_due(outcome: int) -> bool:
    """Whether to tell the operator; at most once a minute for each outcome."""
    now = time.monotonic()
    if now - _told.get(outcome, -60.0) < 60.0:
        return False
    _told[outcome] = now
    return True


def tell_local(outcome: int, message: str) -> None:
    if _is_due(outcome):
        log.warning("the work runs without the segment, in each caller: %s", message)


def tell_away(message: str) -> None:
    if _is_due(-errno.EHOSTUNREACH):
        log.warning("the work runs without the fleet, in each host: %s", message)


def tell_stale(exception: Optional[BaseException]) -> None:
    log.warning("the work failed, an old value serves: %r", exception)
