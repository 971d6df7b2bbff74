# SPDX-License-Identifier: MIT
"""The pages of app.py for asyncio: an ASGI application."""

import asyncio
import os
from urllib.parse import parse_qsl

from app import HOLD, cache, leave, note
from app import page as other_page


async def work(key):
    note(key)
    await asyncio.sleep(0.3)
    while os.path.exists(HOLD):
        await asyncio.sleep(0.005)
    return f"made by {os.getpid()}"


async def page(path, query):
    key = query.get("key", "k")
    if path == "/work":
        return await cache.aget_or_create(key, lambda: work(key))
    if path == "/exit":
        return await cache.aget_or_create(key, lambda: leave(key, lambda: os._exit(1)))
    if path == "/many":
        for number in range(int(query["n"])):
            name = f"many{number}"
            made = await cache.aget_or_create(name, lambda: note("many") or number)
            assert made == number
        return "all of them"
    return other_page(path, query)


async def application(scope, receive, send):
    assert scope["type"] == "http"
    query = dict(parse_qsl(scope["query_string"].decode()))
    body = (await page(scope["path"], query)).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
