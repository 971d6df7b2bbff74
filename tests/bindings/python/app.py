# SPDX-License-Identifier: MIT
"""The application that the servers run in the tests of the Python binding.

Each run of the work adds a line to the file RUNS: the key, the process, the
time. While the file HOLD exists, the work goes on.
"""

import os
import sys
import time
from urllib.parse import parse_qsl

import sfshm

RUNS, HOLD = os.environ["RUNS"], os.environ["HOLD"]
cache = sfshm.Cache(os.environ["SEGMENT"], ttl=3600, timeout=None)


def note(key):
    line = f"{key} {os.getpid()} {time.monotonic_ns()}\n"
    file = os.open(RUNS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, line.encode())
    os.close(file)


def work(key):
    """300 ms of work, and more while the tests say so."""
    note(key)
    time.sleep(0.3)
    while os.path.exists(HOLD):
        time.sleep(0.005)
    return f"made by {os.getpid()}"


def leave(key, how):
    """Work that ends its process, the first time."""
    first = not any(line.startswith(key + " ") for line in open(RUNS))
    note(key)
    if first:
        how()
    return "made at last"


def page(path, query):
    key = query.get("key", "k")
    if path == "/work":
        return cache.get_or_create(key, lambda: work(key))
    if path == "/exit":
        return cache.get_or_create(key, lambda: leave(key, lambda: os._exit(1)))
    if path == "/sysexit":
        return cache.get_or_create(key, lambda: leave(key, sys.exit))
    if path == "/many":
        for number in range(int(query["n"])):
            name = f"many{number}"
            made = cache.get_or_create(name, lambda: note("many") or number)
            assert made == number
        return "all of them"
    if path == "/invalidate":
        return str(cache.invalidate(key))
    return str(os.getpid())


def application(environ, start_response):
    query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
    body = page(environ["PATH_INFO"], query).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
