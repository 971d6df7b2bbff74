<?php
require __DIR__ . '/common.php';

$cache = new Sfshm\Psr16\Cache(new Sfshm\Cache(null, ['prefix' => 'psr.']));
is($cache instanceof Psr\SimpleCache\CacheInterface, true, 'interface');
is($cache->get('a', 'none'), 'none', 'default');
is($cache->set('a', null), true, 'set');
is($cache->get('a', 'none'), null, 'null is a value');
is($cache->has('a'), true, 'has');
is($cache->set('a', 1, new DateInterval('PT1H')), true, 'an interval');
is($cache->get('a'), 1, 'an int');
is($cache->set('a', 1, -1), true, 'a lifetime that is over');
is($cache->has('a'), false, 'removes');
is($cache->setMultiple(['x' => 1, '7' => 2], 60), true, 'many');
$keys = (function () {
    yield 'x';
    yield '7';
    yield 'y';
})();
is($cache->getMultiple($keys, 0), ['x' => 1, 7 => 2, 'y' => 0], 'get many');
is($cache->deleteMultiple(['x']), true, 'delete many');
is($cache->has('x'), false, 'gone');
foreach (['', 'a/b', "{", 5] as $key) {
    throws(Sfshm\Psr16\InvalidArgument::class, 'a key', fn() => $cache->get($key));
}
throws(Sfshm\Psr16\InvalidArgument::class, 'a time', fn() => $cache->set('a', 1, 'soon'));
is(new Sfshm\Psr16\InvalidArgument instanceof Psr\SimpleCache\InvalidArgumentException, true, 'of PSR-16');
is($cache->clear(), true, 'clear');
is($cache->has('7'), false, 'all gone');
echo 'done';
