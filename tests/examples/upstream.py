#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server for the tests of metadata-cache: upstream.py DIR

It listens on a free port of 127.0.0.1, which it writes to DIR/port, and
answers GET /NAME with what is in DIR/files/NAME, or 404. It can be told, while
it runs, by what is in DIR:

    status    answer everything with this status
    max-age   send this max-age along
    short     promise one byte more than is sent
    hold      wait with each answer until this file is gone

DIR/log has a line for each request as it comes, "/NAME N": N requests for that
path are in the server now.
"""
import collections
import http.server
import os
import sys
import threading
import time

folder = sys.argv[1]
lock = threading.Lock()
inside = collections.Counter()


def told(name):
    try:
        with open(os.path.join(folder, name), encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        return None


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with lock:
            inside[self.path] += 1
            with open(os.path.join(folder, "log"), "a") as log:
                log.write(f"{self.path} {inside[self.path]}\n")
        while told("hold") is not None:
            time.sleep(0.01)
        with lock:
            inside[self.path] -= 1
        self.answer(told("files" + self.path), told("status"), told("max-age"))

    def answer(self, body, status, max_age):
        status = int(status or (404 if body is None else 200))
        body = (body or "").encode()
        self.send_response(status)
        if max_age:
            self.send_header("Cache-Control", "public, max-age=" + max_age)
        length = len(body) + (told("short") is not None)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(os.path.join(folder, "port.new"), "w", encoding="ascii") as out:
    out.write(f"{server.server_port}\n")
os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
server.serve_forever()
