#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# herd.py [--half-closed] SOCKET WORKERS EACH KEY...: asks each worker of the
# event server over so many connections, all at once and for the keys in turn;
# says "asked" then, and prints each answer, or "gone" for a connection that got
# none. A half-closed connection is one that its client writes to no more.
import argparse
import resource
import selectors
import socket

parser = argparse.ArgumentParser()
parser.add_argument("--half-closed", action="store_true")
parser.add_argument("path")
parser.add_argument("workers", type=int)
parser.add_argument("each", type=int)
parser.add_argument("keys", nargs="+")
asked = parser.parse_args()
many = asked.workers * asked.each
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, many + 64), hard))

clients = selectors.DefaultSelector()
for i in range(many):
    client = socket.socket(socket.AF_UNIX)
    client.connect(f"{asked.path}.{i % asked.workers}")
    key = asked.keys[i // asked.workers % len(asked.keys)]
    client.sendall(key.encode() + b"\n")
    if asked.half_closed:
        client.shutdown(socket.SHUT_WR)
    clients.register(client, selectors.EVENT_READ, [b""])
print("asked", flush=True)
while clients.get_map():
    for found, _ in clients.select():
        try:
            more = found.fileobj.recv(65536)
        except ConnectionError:
            more = b""
        found.data[0] += more
        if not more:
            print(found.data[0].decode().strip() or "gone", flush=True)
            clients.unregister(found.fileobj)
            found.fileobj.close()
