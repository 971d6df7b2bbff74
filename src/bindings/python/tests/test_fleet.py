# SPDX-License-Identifier: MIT
"""Two segments stand for two hosts, and a Redis server is their engine."""

import asyncio
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

from common import Case, Child, Thread, eventually

import sfshm


PRCTL, PR_SET_PDEATHSIG = ctypes.CDLL(None).prctl, 1


class Server:
    """A Redis server on a socket in a folder of its own."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="sfshm-py-fleet.")
        self.path = os.path.join(self.folder, "socket")
        self.url = f"unix:{self.path}?ns=t"
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.path]
            + ["--save", "", "--appendonly", "no", "--dir", self.folder],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            # The server does not outlive a test that is killed.
            preexec_fn=lambda: PRCTL(PR_SET_PDEATHSIG, signal.SIGKILL),
        )
        eventually(self.answers)

    def answers(self):
        try:
            with socket.socket(socket.AF_UNIX) as dial:
                dial.connect(self.path)
                dial.sendall(b"PING\r\n")
                return dial.recv(5) == b"+PONG"
        except OSError:
            return False

    def connections(self):
        with socket.socket(socket.AF_UNIX) as dial:
            dial.connect(self.path)
            dial.sendall(b"CLIENT LIST\r\n")
            return dial.recv(1 << 16).count(b"addr=") - 1

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        self.kill()
        shutil.rmtree(self.folder)


class Hosts(Case):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("redis-server"):
            raise unittest.SkipTest("no redis-server here (package redis-server)")
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.end()

    def setUp(self):
        super().setUp()
        Case.count += 1
        self.other_name = f"test-{os.getpid()}-py{Case.count}"
        self.runs = []
        try:
            self.here = self.host(self.name)
        except sfshm.Unusable as error:
            super().tearDown()
            self.skipTest(str(error))
        self.there = self.host(self.other_name)

    def tearDown(self):
        self.here = self.there = None
        sfshm.unlink(self.other_name)
        super().tearDown()

    def host(self, name, **options):
        return sfshm.Cache(
            name, ttl=60, fleet=self.server.url + self.id(), fleet_options=options
        )

    def make(self, value="made"):
        self.runs.append(value)
        return value


class Fleet(Hosts):
    def test_one_host_makes_the_value(self):
        for cache in self.here, self.there, self.here:
            self.assertEqual(cache.get_or_create("k", self.make), "made")
        self.assertEqual(self.there.get("k"), "made")
        self.assertEqual(self.runs, ["made"])

    def test_a_host_waits_for_another(self):
        begun, end = threading.Event(), threading.Event()

        def work():
            begun.set()
            end.wait(60)
            return {"n": 1}

        leader = Thread(lambda: self.here.get_or_create("k", work))
        begun.wait(60)
        with self.assertRaises(sfshm.Timeout):
            self.there.get_or_create("k", self.make, timeout=0.2)
        with self.assertRaises(sfshm.Busy):
            self.there.get_or_create("k", self.make, timeout=0)
        one = Thread(lambda: self.there.get_or_create("k", self.make))
        other = Thread(lambda: self.there.get_or_create("k", self.make))
        # The second one follows the one that waits for the other host.
        eventually(lambda: self.there.counters()["waits"] > 0)
        end.set()
        for waiter in leader, one, other:
            self.assertEqual(waiter.outcome(), {"n": 1})
        self.assertEqual(self.runs, [])

    def test_a_failure_reaches_the_other_host(self):
        def fail():
            raise ValueError("no such price")

        with self.assertRaises(ValueError):
            self.here.get_or_create("k", fail, neg_ttl=60)
        with self.assertRaisesRegex(sfshm.WorkFailed, "no such price"):
            self.there.get_or_create("k", self.make)

    def test_a_refused_value_frees_the_key_in_the_fleet(self):
        plain = sfshm.Cache(
            self.name, serializer=None, fleet=self.server.url + self.id()
        )
        with self.assertRaises(TypeError):
            plain.get_or_create("k", object)
        with self.assertRaises(SystemExit):
            self.here.get_or_create("k", exit)
        # It need not wait for a lease that the other host has left behind.
        got = self.there.get_or_create("k", self.make, timeout=0)
        self.assertEqual(got, "made")

    def test_delete_and_invalidate_reach_the_engine(self):
        for end in self.here.delete, self.here.invalidate:
            self.runs.clear()
            self.here.get_or_create("k", self.make)
            self.assertTrue(end("k"))
            self.assertEqual(self.there.get_or_create("k", self.make), "made")
            self.assertEqual(self.here.get_or_create("k", self.make), "made")
            self.assertEqual(self.runs, ["made"] * 2)
            self.there.delete("k")
            self.here.delete("k")

    def test_memoize_asks_the_fleet(self):
        for cache in self.here, self.there:
            self.assertEqual(cache.memoize("k:{0}")(self.make)("x"), "x")
        self.assertEqual(self.runs, ["x"])

    def test_terms_of_a_value_hold(self):
        value = lambda: sfshm.Value(self.make("mine"), share=False)
        self.assertEqual(self.here.get_or_create("k", value), "mine")
        self.assertEqual(self.there.get_or_create("k", self.make), "made")

    def test_a_killed_leader_is_replaced_in_its_host(self):
        child = Child(
            lambda ready: self.here.get_or_create(
                "k", lambda: ready() and signal.pause()
            )
        )
        child.wait_ready()
        before = self.followers()
        waiter = Thread(lambda: self.here.get_or_create("k", self.make))
        eventually(lambda: self.followers() > before)
        os.kill(child.pid, signal.SIGKILL)
        self.assertEqual(waiter.outcome(), "made")
        self.assertEqual(child.status(), -signal.SIGKILL)
        self.assertEqual(self.there.get_or_create("k", self.make), "made")
        self.assertEqual(self.runs, ["made"])

    def test_ctrl_c_ends_a_wait_for_another_host(self):
        begun, end = threading.Event(), threading.Event()
        leader = Thread(
            lambda: self.here.get_or_create("k", lambda: begun.set() or end.wait(60))
        )
        begun.wait(60)
        main, done = threading.main_thread().ident, threading.Event()

        def send():
            while not done.wait(0.05):
                signal.pthread_kill(main, signal.SIGINT)

        sender = Thread(send)
        try:
            with self.assertRaises(KeyboardInterrupt):
                self.there.get_or_create("k", self.make, timeout=None)
            self.assertTrue(leader.is_alive())
        finally:
            while not done.is_set() or sender.is_alive():
                try:
                    done.set()
                    sender.join()
                except KeyboardInterrupt:
                    pass
        end.set()
        leader.outcome()

    def test_a_child_has_a_fleet_of_its_own(self):
        self.here.get_or_create("a", self.make)

        def use(ready):
            assert self.here.get_or_create("a", self.make) == "made"
            assert self.here.get_or_create("b", lambda: "the child's") == "the child's"

        self.assertEqual(Child(use).status(), 0)
        self.assertEqual(self.there.get_or_create("b", self.make), "the child's")

        def work():
            pid = os.fork()
            if pid == 0:
                return self.here.get_or_create("d", lambda: "the child's")
            os.waitpid(pid, 0)
            return "the parent's"

        mine = os.getpid()
        value = self.here.get_or_create("c", work)
        if os.getpid() != mine:
            os._exit(0)
        self.assertEqual(value, "the parent's")
        self.assertEqual(self.there.get_or_create("c", self.make), "the parent's")
        self.assertEqual(self.there.get_or_create("d", self.make), "the child's")

    def test_event_loops_are_refused(self):
        with self.assertRaisesRegex(NotImplementedError, "asyncio.to_thread"):
            asyncio.run(self.here.aget_or_create("k", self.make))

        async def main():
            return await asyncio.to_thread(self.here.get_or_create, "k", self.make)

        self.assertEqual(asyncio.run(main()), "made")

    def test_a_dropped_cache_closes_its_connections(self):
        before = self.server.connections()
        third = self.host(self.name)
        third.get_or_create("k", self.make)
        self.assertGreater(self.server.connections(), before)
        del third
        eventually(lambda: self.server.connections() == before)

    def test_options(self):
        for options in {"jitter": 101}, {"lease": 0.01}, {"lease": -1}:
            with self.assertRaises(ValueError):
                self.host(self.name, **options)
        with self.assertRaisesRegex(TypeError, "leese"):
            self.host(self.name, leese=5)
        with self.assertRaises(sfshm.Invalid):
            sfshm.Cache(self.name, fleet="http://example.org")
        self.host(self.name, lease=5, timeout=0.5, retry=1, jitter=10, strict=True)


class Away(Hosts):
    """Each host's calls while the server is away, and after it came back."""

    def test_hosts_go_on_alone(self):
        self.server.kill()
        for cache in self.here, self.there:
            self.assertEqual(cache.get_or_create("k", self.make), "made")
        self.assertEqual(len(self.runs), 2)
        strict = self.host(self.name, strict=True)
        self.assertEqual(strict.get_or_create("k", self.make), "made")
        with self.assertRaises(sfshm.FleetAway):
            strict.get_or_create("other", self.make)
        with self.assertRaises(sfshm.FleetAway):
            self.here.delete("k")
        self.assertIsNone(self.here.get("k"))
        self.server.start()

        def shared():
            self.runs.clear()
            for cache in self.here, self.there:
                cache.delete("k")
                cache.get_or_create("k", self.make)
                self.there._invalidate_all(True)
            self.here.get_or_create("k", self.make)
            return len(self.runs) == 2

        def back():
            try:
                return shared()
            except sfshm.FleetAway:
                return False

        eventually(back)


class Password(Hosts):
    """A fleet whose URL names a file with a password."""

    def setUp(self):
        self.file = os.path.join(self.server.folder, "password")
        with open(self.file, "w") as file:
            file.write("secret\n")
        super().setUp()

    def host(self, name, **options):
        url = f"{self.server.url}{self.id()}&password-file={self.file}"
        return sfshm.Cache(name, ttl=60, fleet=url, fleet_options=options)

    def test_a_file_that_cannot_be_read_makes_the_cache_unusable(self):
        os.unlink(self.file)
        with self.assertRaisesRegex(sfshm.Unusable, "password"):
            self.host(self.name)
        os.mkdir(self.file)
        with self.assertRaisesRegex(sfshm.Unusable, "password"):
            self.host(self.name)
        os.rmdir(self.file)

    def test_a_child_that_cannot_read_the_file_goes_on_alone(self):
        lax, strict = self.host(self.name), self.host(self.name, strict=True)
        os.unlink(self.file)

        def use(ready):
            case = unittest.TestCase()
            with case.assertLogs("sfshm", "WARNING") as log:
                for key in "ab":
                    case.assertEqual(lax.get_or_create(key, lambda: "made"), "made")
            case.assertEqual(len(log.output), 1)
            case.assertRegex(log.output[0], "without the fleet.*password")
            case.assertEqual(strict.get_or_create("a", lambda: "anew"), "made")
            with case.assertRaisesRegex(sfshm.FleetAway, "password"):
                strict.get_or_create("c", lambda: "made")
            with case.assertRaises(sfshm.FleetAway):
                lax.delete("a")
            case.assertIsNone(lax.get("a"))

        self.assertEqual(Child(use).status(), 0)


class Missing(Case):
    def test_a_missing_engine_is_named(self):
        program = """
import sys, sfshm
try:
    sfshm.Cache(sys.argv[1], fleet="redis://127.0.0.1:1")
except sfshm.Unusable as error:
    assert "libsfshm-redis0" in str(error), error
else:
    raise SystemExit("it is there")
"""
        # A copy of the extension that finds the library, but not the engine.
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(os.path.dirname(sfshm.__file__), f"{folder}/sfshm")
            with open("/proc/self/maps") as maps:
                library = next(
                    line.split()[-1] for line in maps if "/libsfshm.so." in line
                )
            copy = f"{folder}/sfshm/{os.path.basename(sfshm._core.__file__)}"
            with open(copy, "rb") as file:
                bytes = file.read()
            wrong = bytes.replace(b"libsfshm-redis.so.0", b"libsfshm-r****.so.0")
            self.assertNotEqual(bytes, wrong)
            with open(copy, "wb") as file:
                file.write(wrong)
            done = subprocess.run(
                [sys.executable, "-c", program, self.name],
                env={
                    **os.environ,
                    "PYTHONPATH": folder,
                    "LD_LIBRARY_PATH": os.path.dirname(library),
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            self.assertEqual(done.returncode, 0, done.stdout)



if __name__ == "__main__":
    unittest.main()
