# SPDX-License-Identifier: MIT
"""client.py SOCKET COUNT PATH: so many connections at once.

Each asks for the path. Prints one line for each different answer: how many got
it, the status, and the body; "none" stands for a connection that broke.
"""

import collections
import http.client
import socket
import sys
import threading


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(120)
        self.sock.connect(sys.argv[1])


def ask(answers, start):
    connection = Connection("localhost")
    try:
        connection.connect()
        start.wait()
        connection.request("GET", sys.argv[3], headers={"Connection": "close"})
        response = connection.getresponse()
        answers.append((response.status, response.read().decode()))
    except (OSError, http.client.HTTPException, threading.BrokenBarrierError):
        start.abort()
        answers.append(("none", ""))
    finally:
        connection.close()


def main():
    count, answers = int(sys.argv[2]), []
    start = threading.Barrier(count)
    threads = [
        threading.Thread(target=ask, args=(answers, start)) for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for (status, body), number in collections.Counter(answers).items():
        print(number, status, body)


main()
