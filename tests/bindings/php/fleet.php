<?php
/* What a fleet's caches do while the server is away, and how they are named. */

require __DIR__ . '/common.php';

[, $url, $here, $there, $folder] = $argv;
$runs = 0;
$make = function () use (&$runs) {
    $runs++;
    return 'made';
};
$warnings = [];
set_error_handler(function ($level, $text) use (&$warnings) {
    $warnings[] = $text;
    return true;
});

function host(string $segment, array $fleet = [], string $rest = ''): Sfshm\Cache
{
    return new Sfshm\Cache($segment, ['ttl' => 60, 'fleet' => $GLOBALS['url'] . $rest,
        'fleet_options' => $fleet + ['lease' => 600, 'retry' => 0.1]]);
}

/* Starts or stops the server, which the test does. */
function tell(string $what): void
{
    echo "$what\n";
    is(fgets(STDIN), "done\n", $what);
}

$lax = host($here);
$other = host($there);
$strict = host($here, ['strict' => true]);

/* Options. */
$e = throws('ValueError', 'there is no fleet option "leese"', fn() => host($here, ['leese' => 1]));
throws('ValueError', 'the fleet cannot be used', fn() => host($here, ['jitter' => 101]));
throws('ValueError', 'the fleet cannot be used', fn() => host($here, ['lease' => 0.01]));
throws('TypeError', '"fleet_options" is an array',
    fn() => new Sfshm\Cache($here, ['fleet' => $url, 'fleet_options' => 1]));
throws('ValueError', 'the fleet cannot be used', fn() => new Sfshm\Cache($here, ['fleet' => 'http://example.org']));
host($here, ['strict' => false, 'lease' => 5, 'timeout' => 0.5, 'retry' => 1, 'jitter' => 10]);

/* expire() and delete() reach the server. */
foreach (['delete', 'expire'] as $end) {
    $runs = 0;
    $lax->get($end, $make);
    is($lax->$end($end), true, $end);
    $other->get($end, $make);
    $lax->get($end, $make);
    is($runs, 2, "runs, with one $end() in between");
}
is($lax->delete('none'), true, 'delete() of no value');
is($warnings, [], 'warnings while the server answers');

/* php.ini's fleet is that of its segment alone. */
$runs = 0;
$ini = new Sfshm\Cache;
$ini->get('ini', $make);
$other->get('ini', $make);
is($runs, 1, 'runs of two hosts with the fleet of php.ini');
(new Sfshm\Cache($there, ['prefix' => 'x']))->get('ini', $make);
is($runs, 2, 'runs of a cache that names its own segment');
(new Sfshm\Cache(null, ['fleet' => false]))->delete('ini');
is($other->get('ini', $make), 'made', 'what the other host has');
ob_start();
(new ReflectionExtension('sfshm'))->info();
$info = ob_get_clean();
is(str_contains($info, 'sfshm.fleet => set, not shown'), true, 'phpinfo() has the setting');
is(str_contains($info, $url), false, 'phpinfo() has the URL');

/* A child has a fleet of its own, and ends none of its parent's flights. */
function child(callable $work): void
{
    $pid = pcntl_fork();
    if (!$pid) {
        try {
            $work();
            exit(0);
        } catch (Exception $e) {
            fwrite(STDERR, "$e\n");
            exit(1);
        }
    }
    pcntl_waitpid($pid, $status);
    is($status, 0, "a child's status");
}
if (function_exists('pcntl_fork')) {
    $runs = 0;
    $lax->get('a', $make);
    child(function () use ($lax) {
        is($lax->get('a', fn() => 'again'), 'made', "the parent's value in the child");
        is($lax->get('b', fn() => "the child's"), "the child's", 'a value of the child');
    });
    is($other->get('b', $make), "the child's", "the child's value on the other host");
    $value = $lax->get('c', function () use ($lax) {
        child(fn() => is($lax->get('d', fn() => "the child's"), "the child's", 'a child of the work'));
        return "the parent's";
    });
    is($value, "the parent's", "the parent's value");
    is($other->get('c', $make), "the parent's", 'the same on the other host');
    is($other->get('d', $make), "the child's", "the child's value on the other host");
    is($runs, 1, 'runs of the parent');
}

/* The password's file cannot be read. */
$password = "&password-file=$folder/password";
$runs = 0;
$unread = host($here, [], $password);
is($unread->get('pa', $make) . $unread->get('pb', $make), 'mademade', 'values without a password');
is(count($warnings), 1, 'warnings without a password');
is(str_contains($warnings[0], "$folder/password"), true, 'the warning names the file');
$e = throws('Sfshm\FleetAwayException', "$folder/password",
    fn() => host($here, ['strict' => true], $password)->get('pc', $make));
is($e->getCode(), 113, "the exception's code");
is(host($here, ['strict' => true], $password)->get('pa', $make), 'made', 'a hit without a password');
is($unread->delete('pa'), false, 'delete() without a password');
is($unread->fetch('pa'), null, 'a value that was removed on this host');
is($runs, 2, 'runs without a password');

/* The server is away. */
$lax->get('kept', $make);
tell('stop');
$warnings = [];
$runs = 0;
foreach ([$lax, $other] as $cache) {
    is($cache->get('k', $make) . $cache->get('l', $make), 'mademade', 'values while the server is away');
}
is($runs, 4, 'runs of two hosts while the server is away');
is(count($warnings), 2, 'warnings of two fleets');
is(str_contains($warnings[0], 'the server of the fleet cannot be used'), true, $warnings[0]);
is($strict->get('kept', $make), 'made', 'a strict hit');
throws('Sfshm\FleetAwayException', '', fn() => $strict->get('m', $make));
is($strict instanceof Sfshm\Cache && is_subclass_of('Sfshm\FleetAwayException', 'Sfshm\Exception'), true,
    'the class of the exception');
is($lax->delete('k'), false, 'delete() while the server is away');
is($lax->fetch('k'), null, 'a value that was removed on this host');

/* A handler that throws costs this caller its run, and nobody else. */
set_error_handler(function ($level, $text) {
    throw new ErrorException($text);
});
$third = new Sfshm\Cache($here, ['neg_ttl' => 60, 'fleet' => $url, 'fleet_options' => ['jitter' => 1]]);
throws('ErrorException', 'the server of the fleet', fn() => $third->get('t', $make));
is($third->get('t', $make), 'made', 'a value after the warning');

/* The server is back: each host soon asks it again. */
tell('start');
$end = time() + 100;
do {
    $runs = 0;
    $key = 'back' . random_int(0, PHP_INT_MAX);
    $lax->get($key, $make);
    $other->get($key, $make);
} while ($runs > 1 && time() < $end);
is($runs, 1, 'runs of two hosts when the server is back');
tell('stop');
throws('ErrorException', 'the server of the fleet', fn() => $lax->get('later', $make));
echo "end\n";
