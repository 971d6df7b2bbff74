# SPDX-License-Identifier: MIT
"""One process does the work, the others get the result.

    import sfshm

    cache = sfshm.Cache("shop", ttl=60)
    html = cache.get_or_create("front", render_front_page)
"""

from ._cache import Cache
from ._core import Hold, unlink, version
from ._errors import (
    Busy,
    Deadlock,
    Error,
    FleetAway,
    Full,
    Invalid,
    LeadersDie,
    NotFound,
    Timeout,
    Unusable,
    WorkFailed,
)
from ._hold import AsyncHold
from ._values import Entry, Value

__version__ = "0.1.0"

__all__ = [
    "AsyncHold",
    "Busy",
    "Cache",
    "Deadlock",
    "Entry",
    "Error",
    "FleetAway",
    "Full",
    "Hold",
    "Invalid",
    "LeadersDie",
    "NotFound",
    "Timeout",
    "Unusable",
    "Value",
    "WorkFailed",
    "unlink",
    "version",
]
