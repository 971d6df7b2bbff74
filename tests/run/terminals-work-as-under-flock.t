#!/bin/bash
# SPDX-License-Identifier: MIT
#
# On a terminal the command is a part of the shell's job: it may ask for a
# password, Ctrl-Z and fg stop and continue it, and Ctrl-C ends it.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

cat >"$TMP/term.py" <<'END'
"""term.py SCRIPT: runs it in a terminal of its own; prints what it prints."""
import os, pty, re, select, sys, time

class Terminal:
    def __init__(self, *command):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.environ["PS" + "1"] = "@@ "
            os.execvp(command[0], command)

    def read(self):
        if not select.select([self.fd], [], [], 0.05)[0]:
            return
        try:
            self.seen += os.read(self.fd, 65536).decode(errors="replace")
        except OSError:
            pass

    def until(self, regex):
        """Waits until the terminal shows this; forgets all up to it."""
        end = time.time() + 120
        while time.time() < end:
            found = re.search(regex, self.seen)
            if found:
                self.seen = self.seen[found.end():]
                return True
            self.read()
        sys.exit("no %r in %r" % (regex, self.seen))

    def wait(self, condition):
        end = time.time() + 120
        while time.time() < end:
            self.read()
            if condition():
                return True
        sys.exit("%s does not come; %r" % (condition.__name__, self.seen))

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)

def shell():
    t = Terminal("bash", "--norc", "-i")
    t.until("@@ ")
    return t

def state(pid):
    try:
        return open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return "gone"

def pid_in(name):
    path = os.environ["TMP"] + "/" + name
    end = time.time() + 120
    while time.time() < end:
        if os.path.exists(path) and open(path).read().endswith("\n"):
            return int(open(path).read())
        time.sleep(0.02)
    sys.exit("no " + name)

exec(open(sys.argv[1]).read())
END

# on_terminal DESCRIPTION: runs the Python on standard input
on_terminal()
{
	cat >"$TMP/script.py"
	# A session of its own, so that this test's terminal, if any, is not
	# the program's.
	ok "$1" setsid -w python3 "$TMP/term.py" "$TMP/script.py"
}
export segment

for how in "--lock l" "-k k"; do
	export how
	on_terminal "$how: a command asks on the terminal" <<'END'
t = shell()
t.type("sfshm-run -s $segment $how -- sh -c '"
       "stty -echo </dev/tty; printf \"%s? \" password >/dev/tty;"
       "read x </dev/tty; stty echo </dev/tty; echo got-$x'\n")
t.until(r"password\? ")
t.type("secret\n")
t.until("got-secret")
t.type("exit\n")
t.end()
END

	rm -f "$TMP/pid" "$TMP/child"
	on_terminal "$how: Ctrl-Z stops, fg continues, Ctrl-C ends" <<'END'
t = shell()
t.type("sfshm-run -s $segment $how -- sh -c '"
       "echo $$ >$TMP/pid; sleep 1000 & echo $! >$TMP/child; wait'\n")
pids = pid_in("pid"), pid_in("child")
t.type("\x1a")
t.until("Stopped")
t.until("@@ ")
def stopped(): return [state(p) for p in pids] == ["T", "T"]
t.wait(stopped)
t.type("sfshm-run -s $segment $how -n -- echo mine; echo status-$?\n")
t.until("status-124")
t.type("fg\n")
def runs(): return [state(p) for p in pids] == ["S", "S"]
t.wait(runs)
t.type("\x03")
t.until("@@ ")
def ended(): return all(state(p) in ("gone", "Z") for p in pids)
t.wait(ended)
t.type("echo status-$?\n")
t.until("status-130")
t.type("sfshm-run -s $segment $how -n -- echo free-$((1 + 1))\n")
t.until("free-2")
t.type("exit\n")
t.end()
END

	on_terminal "$how: output under stty tostop, and a pager" <<'END'
t = shell()
t.type("stty tostop\n")
t.until("@@ ")
t.type("sfshm-run -s $segment $how -- sh -c 'echo out-$((1 + 1))'\n")
t.until("out-2")
t.type("sfshm-run -s $segment $how -- echo text | "
       "sh -c 'cat; printf \"%s? \" more; read x </dev/tty; echo page-$x'\n")
t.until(r"text")
t.until(r"more\? ")
t.type("two\n")
t.until("page-two")
t.type("exit\n")
t.end()
END

	rm -f "$TMP/pid" "$TMP/child"
	on_terminal "$how: a signal to sfshm-run reaches the whole command" <<'END'
t = shell()
t.type("sfshm-run -s $segment $how -- sh -c '"
       "echo $$ >$TMP/pid; sleep 1000; echo $$' & "
       "echo $! >$TMP/child\n")
pid, run = pid_in("pid"), pid_in("child")
os.kill(run, 15)
def ended(): return state(pid) in ("gone", "Z") and state(run) in ("gone", "Z")
t.wait(ended)
t.type("exit\n")
t.end()
END
done

on_terminal "--lock: standard input is the terminal" <<'END'
t = shell()
t.type("sfshm-run -s $segment --lock in -- sh -c 'read x; echo got-$x'\n")
t.type("line\n")
t.until("got-line")
t.type("exit\n")
t.end()
END

rm -f "$TMP/pid"
on_terminal "a call that waits says whom it waits for" <<'END'
t = shell()
t.type("sfshm-run -s $segment --lock w -- sh -c '"
       "echo $$ >$TMP/pid; exec sleep 1000' &\n")
pid = pid_in("pid")
t.type("sfshm-run -s $segment --lock w -- true\n")
t.until(r"sfshm-run: lock w: waiting for process \d+ \(")
t.type("\x03")
t.until("@@ ")
os.kill(pid, 9)
t.type("exit\n")
t.end()
END

# There is nobody who could continue it.
on_terminal "Ctrl-Z does not stop a session's only job" <<'END'
t = Terminal("sfshm-run", "-s", os.environ["segment"], "--lock", "alone", "--",
             "sh", "-c", "echo ready; read x; echo got-$x")
t.until("ready")
t.type("\x1a")
t.type("line\n")
t.until("got-line")
t.end()
END

rm -f "$TMP/pid"
if [ "$UID" -ne 0 ]; then
	skip "only root can make such a program" "Ctrl-C and a root command"
else
	chmod 711 "$TMP"
	cp "$(command -v setpriv)" "$TMP/become"
	chmod 4755 "$TMP/become"
	mkdir "$TMP/user"
	chown 4001 "$TMP/user"
	on_terminal "Ctrl-C ends a command that became root" <<'END'
top = os.environ["TMP"]
t = Terminal("setpriv", "--reuid", "4001", "--regid", "4001", "--clear-groups",
             "sfshm-run", "-s", top + "/user/seg", "--lock", "root", "--",
             top + "/become", "--reuid", "0", "--regid", "0",
             "--clear-groups", "sh", "-c",
             "echo $$ >%s/pid; echo uid-$(id -ru); exec sleep 1000" % top)
t.until("uid-0")
pid = pid_in("pid")
t.type("\x03")
def ended(): return state(pid) in ("gone", "Z")
t.wait(ended)
t.end()
END
fi
done_testing
