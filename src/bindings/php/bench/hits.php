<?php
/*
 * Compares the cost of a hit with APCu's. Prints nanoseconds of processor time
 * per call, the median of some rounds, and the ratio of our call to APCu's: 1 or
 * less is the aim.
 *
 *	php -d extension=sfshm -d extension=apcu -d apc.enable_cli=1 hits.php [ROUNDS [CALLS]]
 */

$rounds = (int)($argv[1] ?? 15);
$calls = (int)($argv[2] ?? 200000);
$segment = 'bench-' . getmypid();
$cache = new Sfshm\Cache($segment);
register_shutdown_function(fn() => unlink('/dev/shm/sfshm.' . posix_geteuid() . ".$segment"));

/* A segment and a cache in use have some values. */
for ($i = 0; $i < 100; $i++) {
    $cache->set("other $i", str_repeat('y', 4096));
    apcu_store("other $i", str_repeat('y', 4096));
}

function processor_ns(): float
{
    $used = getrusage();
    return 1e9 * ($used['ru_utime.tv_sec'] + $used['ru_stime.tv_sec'])
        + 1e3 * ($used['ru_utime.tv_usec'] + $used['ru_stime.tv_usec']);
}

/** Both sides take turns, so that other load of the machine affects both. */
function compare(string $what, Closure $ours, Closure $theirs): void
{
    global $rounds, $calls;
    $times = [[], []];
    for ($round = 0; $round < $rounds; $round++) {
        foreach ([$ours, $theirs] as $side => $run) {
            $start = processor_ns();
            $run($calls);
            $times[$side][] = (processor_ns() - $start) / $calls;
        }
    }
    sort($times[0]);
    sort($times[1]);
    [$mine, $other] = [$times[0][$rounds >> 1], $times[1][$rounds >> 1]];
    printf("%-34s %6.0f ns %6.0f ns %6.2f\n", $what, $mine, $other, $mine / $other);
}

$work = fn() => 'made';
printf("%-34s %9s %9s %6s\n", 'call', 'sfshm', 'apcu', 'ratio');
foreach ([100, 4096] as $size) {
    $value = str_repeat('x', $size);
    apcu_store("value", $value);
    $cache->set("value", $value);
    compare(
        "fetch of $size bytes",
        function ($n) use ($cache) { while ($n--) $cache->fetch("value"); },
        function ($n) { while ($n--) apcu_fetch("value"); },
    );
    compare(
        "get with callback, $size bytes",
        function ($n) use ($cache, $work) { while ($n--) $cache->get("value", $work); },
        function ($n) use ($work) { while ($n--) apcu_entry("value", $work); },
    );
    compare(
        "entry, $size bytes",
        function ($n) use ($cache, $work) { while ($n--) $cache->entry("value", $work); },
        function ($n) use ($work) { while ($n--) apcu_entry("value", $work); },
    );
}
foreach (['int' => 42, 'array of 10' => range(1, 10)] as $what => $value) {
    apcu_store("value", $value);
    $cache->set("value", $value);
    compare(
        "fetch of $what",
        function ($n) use ($cache) { while ($n--) $cache->fetch("value"); },
        function ($n) { while ($n--) apcu_fetch("value"); },
    );
}
