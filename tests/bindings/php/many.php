<?php
require __DIR__ . '/common.php';

$cache = new Sfshm\Cache;
$made = 0;
$round = function () use ($cache, &$made) {
    for ($i = 0; $i < 10000; $i++) {
        $value = $cache->get("key $i", function () use ($i, &$made) {
            $made++;
            return str_repeat('v', 90) . $i;
        });
        if ($value !== str_repeat('v', 90) . $i) {
            throw new LogicException("key $i");
        }
    }
};
$failures = function () use ($cache) {
    for ($i = 0; $i < 1000; $i++) {
        try {
            $cache->get("bad $i", fn() => throw new DomainException("no $i"));
        } catch (DomainException) {
        }
        try {
            $cache->get("tags $i", fn($item) => $item->tag([$i, $i + 1, $i + 2, $i + 3, $i + 4]));
        } catch (Sfshm\Exception) {
        }
        $cache->tryLock("lock $i");
        $cache->set('array', [$i, new ArrayObject]);
        $cache->fetch('array');
        $cache->getMultiple(['array', 'none'], new ArrayObject);
    }
};
$round();
is($made, 10000, 'each key is made once');
$failures();
$before = memory_get_usage();
$round();
$failures();
is($made, 10000, 'and found then');
is(memory_get_usage() - $before, 0, 'bytes of memory more after another round');
echo 'done';
