<?php
require __DIR__ . '/common.php';

/* Forks, and signals during a wait. $argv[1] is a folder for notes. */
$cache = new Sfshm\Cache(null, ['timeout' => 300]);
$notes = $argv[1];

/** Runs the code in a child. */
function child(Closure $code): int
{
    $pid = pcntl_fork();
    if ($pid === 0) {
        try {
            $code();
        } catch (Throwable $e) {
            fwrite(STDERR, "child: $e\n");
            exit(1);
        }
        exit(0);
    }
    return $pid;
}

function ended(int $pid, string $what): void
{
    pcntl_waitpid($pid, $status);
    is(pcntl_wexitstatus($status), 0, $what);
}

function until(string $file): void
{
    while (!file_exists($file)) {
        usleep(1000);
    }
}

/** Interrupts this process from its next sleep on, until one of the files is there. */
function interrupter(Sfshm\Cache $cache, string ...$files): int
{
    $waits = $cache->counters()['waits'];
    $parent = getmypid();
    return child(function () use ($cache, $files, $waits, $parent) {
        while ($cache->counters()['waits'] === $waits && posix_getppid() === $parent) {
            usleep(1000);
        }
        /* A signal that comes just before the sleep does not end it. */
        while (!array_filter($files, 'file_exists') && posix_getppid() === $parent) {
            posix_kill($parent, SIGUSR1);
            usleep(20000);
        }
    });
}

/* A child uses its parent's objects, and holds nothing of the parent's. */
$lock = $cache->lock('lock');
is($cache->set('before', 1), true, 'before the fork');
ended(child(function () use ($cache, $lock) {
    is($cache->fetch('before'), 1, 'the child finds the value');
    is($cache->get('child', fn() => 'made by a child'), 'made by a child', 'the child leads');
    is($cache->tryLock('lock'), null, "the parent's lock is held");
    $lock->release();
    is($cache->tryLock('lock'), null, 'and the child cannot release it');
}), 'the child uses the cache');
is($cache->fetch('child'), 'made by a child', 'the parent finds it');
is($lock->release(), true, 'the parent releases its lock');
is($cache->tryLock('lock')?->ownerDied(), false, 'nobody died');

/* A fork in the callback: the child's end does not end the parent's flight. */
is($cache->get('fork', function () use ($cache) {
    ended(child(fn() => is($cache->fetch('fork', 'none'), 'none', 'no value yet')), 'the child in the callback');
    return 'made by the parent';
}), 'made by the parent', 'the callback');
is($cache->fetch('fork'), 'made by the parent', 'is published');

/* The child returns from the callback, too. */
$pid = 0;
$made = $cache->get('twice', function () use (&$pid) {
    $pid = pcntl_fork();
    return $pid ? 'made by the parent' : 'made by the child';
});
if ($pid === 0) {
    exit($made === 'made by the child' ? 0 : 1);
}
ended($pid, 'the child that returns');
is($cache->fetch('twice'), 'made by the parent', 'only the parent publishes');

/* A handler runs while the call waits, and the wait goes on or ends. */
pcntl_async_signals(true);
$leader = child(fn() => $cache->get('slow', function () use ($notes) {
    touch("$notes/leads");
    until("$notes/go");
    return 'slow';
}));
until("$notes/leads");
$count = 0;
pcntl_signal(SIGUSR1, function () use (&$count, $notes) {
    if (++$count === 1) {
        throw new DomainException('a signal');
    }
    if ($count > 6) {
        touch("$notes/go");
    }
});
$killer = interrupter($cache, "$notes/ended");
try {
    $cache->get('slow', fn() => 'made by the parent');
    throw new LogicException('the wait goes on');
} catch (DomainException) {
}
is($cache->get('slow', fn() => 'made by the parent'), 'slow', 'the wait goes on, and gets the value');
touch("$notes/ended");
ended($leader, 'the leader');
ended($killer, 'the one that sends signals');

/* The timeout bounds the call, however often the wait is interrupted. */
$leader = child(fn() => $cache->get('late', function () use ($cache, $notes) {
    touch("$notes/late.leads");
    until("$notes/late.handled");
    $waits = (int)file_get_contents("$notes/late.handled");
    /* The value comes if the parent sleeps again after its handler. */
    while (!file_exists("$notes/late.ended") && $cache->counters()['waits'] === $waits) {
        usleep(1000);
    }
    return 'late';
}));
until("$notes/late.leads");
$handled = false;
pcntl_signal(SIGUSR1, function () use ($cache, $notes, &$handled) {
    if ($handled) {
        return;
    }
    $handled = true;
    for ($end = hrtime(true) + 2_000_000_000; hrtime(true) < $end;) {
        usleep(1000);
    }
    file_put_contents("$notes/late.waits", $cache->counters()['waits']);
    rename("$notes/late.waits", "$notes/late.handled");
});
$killer = interrupter($cache, "$notes/late.handled", "$notes/late.ended");
$brief = new Sfshm\Cache(null, ['timeout' => 2]);
throws(Sfshm\TimeoutException::class, 'deadline', fn() => $brief->get('late', fn() => 'made by the parent'));
touch("$notes/late.ended");
is($handled, true, 'the handler has outlasted the timeout');
ended($leader, 'the leader of the late value');
ended($killer, 'the one that interrupts');

/* Likewise with locks. */
$holder = child(function () use ($cache, $notes) {
    $lock = $cache->lock('held');
    touch("$notes/holds");
    until("$notes/release");
});
until("$notes/holds");
throws(Sfshm\TimeoutException::class, 'deadline', fn() => $cache->lock('held', 0.25));
throws(Sfshm\TimeoutException::class, 'deadline', fn() => $cache->lock('held', 0));
pcntl_signal(SIGALRM, fn() => throw new DomainException('an alarm'));
pcntl_alarm(1);
throws(DomainException::class, 'an alarm', fn() => $cache->lock('held'));
touch("$notes/release");
$cache = new Sfshm\Cache(null, ['timeout' => 0]);
is($cache->lock('held', 300)->ownerDied(), false, 'the end of a script releases its lock');
ended($holder, 'the holder');
$holder = child(function () use ($cache) {
    $lock = $cache->lock('held');
    posix_kill(getmypid(), SIGKILL);
});
pcntl_waitpid($holder, $status);
is($cache->lock('held', 300)->ownerDied(), true, 'the next holder learns of a death');
echo 'done';
