# SPDX-License-Identifier: MIT
"""A terminal for a program that draws a screen, with what the program shows.

It knows what the terminfo entries "vt100" and "xterm" ask for, and keeps the
attributes of no character: tests look at text.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

PATIENCE = 120
SEQUENCE = re.compile(rb"\x1b(?:\[([?>]?)([0-9;]*)([@-~])|[()][0-9A-B]|[78=>DEHM])")


class Terminal:
    def __init__(self, command, rows=24, columns=80, term="xterm", **extra):
        self.rows, self.columns = rows, columns
        self.cells = self.blank()
        self.row = self.column = 0
        self.alternate = self.inserting = False
        self.region = (0, rows - 1)
        self.raw = self.pending = b""
        environment = dict(os.environ, TERM=term, **extra)
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ,
                        struct.pack("HHHH", rows, columns, 0, 0))
            os.execvpe(command[0], command, environment)
        fcntl.ioctl(self.file, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def blank(self):
        return [[" "] * self.columns for _ in range(self.rows)]

    def resize(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.cells = self.blank()
        self.row = self.column = 0
        self.region = (0, rows - 1)
        fcntl.ioctl(self.file, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)

    def lines(self):
        return ["".join(row).rstrip() for row in self.cells]

    def text(self):
        return "\n".join(self.lines())

    def control(self, private, numbers, letter):
        n = [int(x) if x else 0 for x in numbers.split(";")]
        one = max(n[0], 1)
        if letter in "Hf":
            self.row = max(n[0], 1) - 1
            self.column = max(n[1] if len(n) > 1 else 1, 1) - 1
        elif letter == "J":
            if n[0] == 2:
                self.cells = self.blank()
            else:
                self.erase(self.column, self.columns)
                for row in range(self.row + 1, self.rows):
                    self.cells[row] = [" "] * self.columns
        elif letter == "K":
            start = 0 if n[0] else self.column
            self.erase(start, self.column + 1 if n[0] == 1 else self.columns)
        elif letter == "X":
            self.erase(self.column, self.column + one)
        elif letter in "ABCD":
            self.row += {"A": -one, "B": one}.get(letter, 0)
            self.column += {"C": one, "D": -one}.get(letter, 0)
        elif letter == "G":
            self.column = one - 1
        elif letter == "Z":
            self.column = max((self.column - 1) // 8 * 8, 0)
        elif letter == "r":
            self.region = (one - 1, (n[1] if len(n) > 1 else self.rows) - 1)
            self.row = self.column = 0
        elif letter == "d":
            self.row = one - 1
        elif letter == "b":
            last = self.cells[self.row][self.column - 1]
            for _ in range(one):
                self.put(last)
        elif letter == "P":
            row = self.cells[self.row]
            self.cells[self.row] = (row[:self.column] +
                                    row[self.column + one:] + [" "] * one)
        elif letter == "@":
            row = self.cells[self.row]
            self.cells[self.row] = (row[:self.column] + [" "] * one +
                                    row[self.column:])[:self.columns]
        elif letter in "LM":
            self.shift(self.row, one if letter == "L" else -one)
        elif letter in "ST":
            self.shift(self.region[0], one if letter == "T" else -one)
        elif letter in "hl" and not private and n[0] == 4:
            self.inserting = letter == "h"
        elif letter in "hl" and private and 1049 in n:
            self.alternate = letter == "h"
        elif letter not in "mhltc":
            raise ValueError("unknown sequence %r %s" % (numbers, letter))
        self.row = min(max(self.row, 0), self.rows - 1)

    def shift(self, top, lines):
        """Moves the region's lines from `top` on, down or (below 0) up."""
        bottom = self.region[1] + 1
        part = self.cells[top:bottom]
        count = min(abs(lines), len(part))
        new = [[" "] * self.columns for _ in range(count)]
        part = new + part[:-count] if lines > 0 else part[count:] + new
        self.cells[top:bottom] = part

    def scroll(self, step):
        """Moves the cursor a line; at the region's edge, the region."""
        top, bottom = self.region
        if step > 0 and self.row == bottom:
            self.shift(top, -1)
        elif step < 0 and self.row == top:
            self.shift(top, 1)
        else:
            self.row = min(max(self.row + step, 0), self.rows - 1)

    def erase(self, start, end):
        for column in range(start, min(end, self.columns)):
            self.cells[self.row][column] = " "

    def put(self, character):
        if self.column >= self.columns:
            self.column, self.row = 0, min(self.row + 1, self.rows - 1)
        if self.inserting:
            self.cells[self.row].insert(self.column, character)
            self.cells[self.row].pop()
        else:
            self.cells[self.row][self.column] = character
        self.column += 1

    def feed(self, data):
        data = self.pending + data
        self.pending = b""
        at = 0
        while at < len(data):
            byte = data[at]
            if byte == 0x1b:
                found = SEQUENCE.match(data, at)
                if not found:
                    self.pending = data[at:]
                    return
                if found.group() == b"\x1bM":
                    self.scroll(-1)
                elif found.group(3):
                    self.control(found.group(1).decode(),
                                 found.group(2).decode(),
                                 found.group(3).decode())
                at = found.end()
                continue
            if byte == 8:
                self.column -= 1
            elif byte == 9:
                self.column = min(self.column // 8 * 8 + 8, self.columns - 1)
            elif byte == 13:
                self.column = 0
            elif byte == 10:
                self.scroll(1)
            elif byte >= 32:
                self.put(chr(byte))
            at += 1

    def read(self, seconds):
        """Reads what there is; False once the program has ended."""
        if select.select([self.file], [], [], seconds)[0]:
            try:
                data = os.read(self.file, 65536)
            except OSError:
                return False
            self.raw += data
            self.feed(data)
        return True

    def shows(self, pattern, absent=False):
        """Waits until the screen matches (or the test says so), or does not."""
        end = time.monotonic() + PATIENCE
        test = pattern if callable(pattern) else (
            lambda screen: re.search(pattern, screen.text(), re.M))
        while bool(test(self)) == absent:
            if time.monotonic() > end or not self.read(0.1):
                return False
        return True

    def send(self, text):
        os.write(self.file, text.encode())

    def status(self):
        """Waits for the end; the status as the shell has it."""
        end = time.monotonic() + PATIENCE
        while self.read(0.1) and time.monotonic() < end:
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


count = failed = 0


def ok(truth, what, screen=None):
    global count, failed
    count += 1
    failed += not truth
    print("%s %d - %s" % ("ok" if truth else "not ok", count, what))
    if not truth and screen is not None:
        for line in screen.lines():
            print("# |" + line)


def done():
    print("1..%d" % count)
    raise SystemExit(failed > 0)
