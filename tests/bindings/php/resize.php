<?php
require __DIR__ . '/common.php';

[, $folder, $what] = $argv;
$cache = new Sfshm\Cache(null, $what === 'timeout' ? ['timeout' => 0.05] : []);
if ($what === 'before') {
    is($cache->set('n', 5, 60), true, 'a number');
    is($cache->add('lock', 'me', 60), true, 'a lock');
    echo 'done';
} elseif ($what === 'timeout') {
    throws('Sfshm\TimeoutException', '', fn() => $cache->update('n', fn() => 1));
    throws('Sfshm\TimeoutException', '', fn() => $cache->add('free', 1));
} elseif ($what === 'update') {
    $calls = 0;
    $made = $cache->update('n', function ($old) use ($folder, &$calls) {
        $calls++;
        touch("$folder/called");
        return $old + 1;
    }, 60);
    echo "$made, $calls calls";
} elseif ($what === 'add') {
    touch("$folder/begun.add");
    var_dump($cache->add('free', 1, 60));
} elseif ($what === 'remove') {
    touch("$folder/begun.remove");
    $cache->update('lock', fn($owner) => $owner === 'me' ? '' : throw new LogicException('no'), 0);
    var_dump($cache->add('lock', 'another', 60));
} else {
    is($cache->fetch('n'), 6, 'the number');
    is($cache->fetch('free'), 1, 'the free key');
    is($cache->fetch('lock'), 'another', 'the lock');
    echo 'done';
}
