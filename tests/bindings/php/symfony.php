<?php
require __DIR__ . '/common.php';

use Symfony\Contracts\Cache\ItemInterface;

$cache = new Sfshm\Symfony\Cache(new Sfshm\Cache(null, ['prefix' => 'symfony.']));
is($cache instanceof Symfony\Contracts\Cache\CacheInterface, true, 'interface');
$runs = 0;
$make = function (ItemInterface $item, bool &$save) use (&$runs) {
    $item->expiresAfter(3600)->tag(['pages', 'users']);
    return [$item->getKey(), ++$runs, $item->isHit()];
};
is($cache->get('a', $make), ['a', 1, false], 'the callback runs');
is($cache->get('a', $make, null, $metadata), ['a', 1, false], 'once');
is($metadata['source'], 'cached', 'metadata');
is($cache->get('a', $make, INF), ['a', 2, false], 'INF: anew');
is($cache->invalidateTags(['users']), true, 'tags');
is($cache->get('a', $make), ['a', 3, false], 'a tag makes it stale');
is($cache->delete('a'), true, 'delete');
is($cache->get('a', $make), ['a', 4, false], 'deleted');
$unsaved = function ($item, &$save) {
    $save = false;
    return 1;
};
is($cache->get('b', $unsaved), 1, 'not saved');
is($cache->get('b', fn() => 2), 2, 'so made anew');
throws(DomainException::class, 'no c', fn() => $cache->get('c', fn() => throw new DomainException('no c')));
echo 'done';
