# SPDX-License-Identifier: MIT
"""Classes and functions that the tests of the binding share."""

import asyncio
import os
import select
import threading
import time
import traceback
import unittest

import sfshm


def eventually(condition):
    """Waits until the condition holds, and fails after a minute."""
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it never came")
        time.sleep(0.005)


async def later(condition):
    """eventually() for a loop."""
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it never came")
        await asyncio.sleep(0.005)


def library_threads():
    names = []
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/comm") as file:
                names.append(file.read().strip())
        except FileNotFoundError:
            pass
    return names


class Case(unittest.TestCase):
    """Each test has a segment of its own."""

    count = 0

    def setUp(self):
        Case.count += 1
        self.name = f"test-{os.getpid()}-py{Case.count}"
        sfshm.unlink(self.name)
        self.cache = sfshm.Cache(self.name, ttl=60)

    def tearDown(self):
        self.assertEqual(self.cache.verify(), 0)
        sfshm.unlink(self.name)

    def open(self, **options):
        return sfshm.Cache(self.name, **options)

    def followers(self):
        """How many callers have begun to wait since the segment was made."""
        return self.cache.counters()["waits"]


class Child:
    """A forked child that runs a function; its exit status is the outcome."""

    def __init__(self, function):
        self.ready, write = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(write)
            return
        status = 99
        try:
            status = function(lambda: os.write(write, b"r")) or 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def wait_ready(self):
        if not select.select([self.ready], [], [], 60)[0]:
            raise AssertionError("the child did not get there")
        return os.read(self.ready, 1)

    def status(self):
        os.close(self.ready)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Thread(threading.Thread):
    """A thread that keeps what its function returns or raises."""

    def __init__(self, function):
        super().__init__(daemon=True)
        self.function = function
        self.value = self.error = None
        self.start()

    def run(self):
        try:
            self.value = self.function()
        except BaseException as error:
            self.error = error

    def outcome(self):
        self.join(60)
        if self.is_alive():
            raise AssertionError("the thread does not end")
        if self.error:
            raise self.error
        return self.value
