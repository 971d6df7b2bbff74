# SPDX-License-Identifier: MIT
"""client.py SOCKET COUNT PATH [again]: so many connections at once.

Each asks for the path. Prints one line for each different answer: how many got
it, the status, and the body; "none" stands for a connection that broke. With
"again", a client whose connection breaks before the first byte of an answer
asks once more on a new one, up to 100 times, as a proxy does.
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


def answer_of(connection):
    connection.request("GET", sys.argv[3], headers={"Connection": "close"})
    return connection.getresponse()


def ask(answers, start):
    connection = Connection("localhost")
    tries = 100 if sys.argv[4:] == ["again"] else 1
    try:
        connection.connect()
        start.wait()
        while True:
            tries -= 1
            try:
                response = answer_of(connection)
                break
            # http.client's name for an end without an answer is one of these.
            except ConnectionError:
                if not tries:
                    raise
                connection.close()
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
