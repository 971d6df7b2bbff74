#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# herd.py SOCKET WORKERS EACH KEY: asks each worker of the event server for the
# key over so many connections, all at once; says "asked" then, and prints each
# answer, or "gone" for a connection that got none.
import resource
import selectors
import socket
import sys

path, workers, each, key = sys.argv[1:]
many = int(workers) * int(each)
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, many + 64), hard))

clients = selectors.DefaultSelector()
for i in range(many):
    client = socket.socket(socket.AF_UNIX)
    client.connect(f"{path}.{i % int(workers)}")
    client.sendall(key.encode() + b"\n")
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
