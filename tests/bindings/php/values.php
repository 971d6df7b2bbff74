<?php
require __DIR__ . '/common.php';

$cache = new Sfshm\Cache;
$object = new ArrayObject([1, 2]);
$values = ['text' => 'x', 'empty' => '', 'binary' => "\0\xff", 'marked' => "\0PHPv", 'int' => -5, 'float' => 0.1,
    'true' => true, 'false' => false, 'null' => null, 'array' => [1, 'k' => [null]]];
foreach ($values as $key => $value) {
    is($cache->set($key, $value), true, "set $key");
    is($cache->fetch($key, 'none'), $value, "fetch $key");
    is($cache->has($key), true, "has $key");
    is($cache->get("made $key", fn() => $value), $value, "make $key");
    is($cache->get("made $key", fn() => 'again'), $value, "get $key");
    is($cache->entry("entry $key", fn() => $value), $value, "entry $key");
    is($cache->entry("entry $key", fn() => 'again'), $value, "entry again $key");
}
is($cache->set('object', $object), true, 'set an object');
is($cache->fetch('object')->getArrayCopy(), [1, 2], 'fetch an object');
throws(Exception::class, "Serialization of 'Closure'", fn() => $cache->set('closure', fn() => 1));
throws(Exception::class, "Serialization of 'Closure'", fn() => $cache->get('closure', fn() => fn() => 1));
is($cache->get('closure', fn() => 2), 2, 'the failure does not stay');

/* What a method of unserialize() gets lies in the same buffer. */
class Nested
{
    public $inner;
    public function __wakeup()
    {
        global $cache;
        $this->inner = $cache->fetch('long');
    }
}
$cache->set('long', str_repeat('l', 5000));
$cache->set('nested', [new Nested, str_repeat('n', 3000)]);
[$nested, $rest] = $cache->fetch('nested');
is($nested->inner, str_repeat('l', 5000), 'the inner value');
is($rest, str_repeat('n', 3000), 'the outer value');

/* Lifetimes */
is($cache->set('gone', 1, 0), true, 'a lifetime of 0');
is($cache->has('gone'), false, 'removes');
$cache->get('past', fn($item) => $item->expiresAt(new DateTime('-1 hour')) ? 1 : 0);
is($cache->has('past'), false, 'a time that is over');
$cache->get('later', fn($item) => $item->expiresAt(new DateTimeImmutable('+1 hour')) ? 1 : 0);
is($cache->has('later'), true, 'a time to come');
$cache->get('interval', fn($item) => $item->expiresAfter(new DateInterval('P1D')) ? 1 : 0);
is($cache->has('interval'), true, 'an interval');
$cache->set('soon', 1, 0.01);
while ($cache->has('soon')) {
    usleep(1000);
}
is($cache->fetch('soon', 'over'), 'over', 'a lifetime ends');

/* What a callback knows and says */
$cache->set('old', 'the old one');
$cache->expire('old');
is($cache->get('old', fn($item) => $item->previous() . ' and more'), 'the old one and more', 'previous()');
is($cache->get('none', fn($item) => $item->previous('none')), 'none', 'no previous one');
is($cache->get('key', fn($item) => $item->getKey()), 'key', 'getKey()');
is($cache->get('lease', fn($item) => $item->extend(60)), true, 'extend()');
$kept = null;
$cache->get('kept', function ($item) use (&$kept) {
    $kept = $item;
    return 1;
});
$kept->expiresAfter(0)->tag('late');
is($cache->has('kept'), true, 'an item has no say once its flight has ended');
throws(Sfshm\Exception::class, 'four tags', fn() => $cache->get('tags', fn($i) => $i->tag(['a', 'b', 'c', 'd', 'e'])));
$big = str_repeat('b', 2 << 20);
is($cache->get('big', fn() => $big), $big, 'a value that has no room');
is($cache->has('big'), false, 'is not kept');

/* Failures */
$e = throws(DomainException::class, 'no price', fn() => $cache->get('bad', fn() => throw new DomainException('no price', 7)));
is($e->getCode(), 7, 'the code');
$negative = new Sfshm\Cache(null, ['neg_ttl' => 3600]);
throws(DomainException::class, 'no price', fn() => $negative->get('bad', fn() => throw new DomainException('no price', 7)));
$e = throws(Sfshm\WorkException::class, 'no price', fn() => $negative->get('bad', fn() => 1));
is([$e->getMessage(), $e->getCode()], ['no price', 7], 'message and code of another caller');
$late = function ($item) { $item->expiresAfter(60); throw new DomainException('no stock', 8); };
throws(DomainException::class, 'no stock', fn() => $negative->get('worse', $late));
throws(Sfshm\WorkException::class, 'no stock', fn() => $negative->get('worse', fn() => 1));
$e = throws(Sfshm\Exception::class, 'deadlock', fn() => $cache->get('self', fn() => $cache->get('self', fn() => 1)));
is($e->getCode(), 35, 'EDEADLK');
throws(ValueError::class, 'a key has 1 to 1024 bytes', fn() => $cache->get('', fn() => 1));
throws(ValueError::class, 'a key has 1 to 1024 bytes', fn() => $cache->fetch(str_repeat('k', 1025)));
throws(TypeError::class, 'must be callable', fn() => $cache->get('a', 'no function'));
throws(TypeError::class, 'must be callable', fn() => $cache->update('a', 'no function'));
throws(ValueError::class, 'no option "tll"', fn() => new Sfshm\Cache(null, ['tll' => 1]));
throws(TypeError::class, 'a time is seconds', fn() => $cache->set('a', 1, []));

/* Storing on conditions, and many at a time */
is($cache->add('once', 1), true, 'add');
is($cache->add('once', 2), false, 'add once');
is($cache->update('count', fn($old, $found) => $found ? $old + 1 : 1), 1, 'update nothing');
is($cache->update('count', fn($old, $found) => $found ? $old + 1 : 1), 2, 'update');
$mine = new Sfshm\Cache(null, ['prefix' => 'mine.']);
is($mine->setMultiple(['a' => 1, 5 => 2]), true, 'setMultiple');
is($mine->getMultiple(new ArrayIterator(['a', 5, 'b']), 0), ['a' => 1, 5 => 2, 'b' => 0], 'getMultiple');
is($cache->fetch('mine.a'), 1, 'the prefix');
is($mine->clear(), true, 'clear with a prefix');
is([$cache->has('mine.a'), $cache->has('count')], [false, true], 'leaves the others');
is($cache->deleteMultiple(['count', 'none']), true, 'deleteMultiple');
is($cache->has('count'), false, 'deleted');

/* Locks */
$lock = $cache->lock('l');
is($cache->tryLock('l'), null, 'held');
throws(Sfshm\Exception::class, 'deadlock', fn() => $cache->lock('l'));
is($lock->release(), true, 'release');
is($lock->release(), false, 'once');
$lock = $cache->tryLock('l');
is($lock->ownerDied(), false, 'nobody died');
is($lock->generation() > 0, true, 'a fencing token');
unset($lock);
is($cache->tryLock('l', true)?->release(), true, 'the end of the object releases it');
is((new Sfshm\Cache(null, ['timeout' => 0]))->lock('l')->release(), true, 'no limit');
$one = $cache->acquire('s', 1);
is($cache->tryAcquire('s', 1), null, 'no permit left');
$one->release();
is($cache->tryAcquire('s', 1)?->release(), true, 'a permit');
throws(ValueError::class, '1 to 1000', fn() => $cache->acquire('s', 0));

/* A segment that cannot be used costs speed, not answers. */
set_error_handler(function ($level, $text) {
    global $warning;
    $warning = $text;
    return true;
});
$without = new Sfshm\Cache('/nowhere/segment');
is(str_contains($warning, 'nothing is cached'), true, 'a warning');
is($without->get('a', fn() => 'made'), 'made', 'the work runs');
is($without->entry('a', fn($key) => "made $key"), 'made a', 'and here');
is([$without->fetch('a', 0), $without->set('a', 1), $without->has('a')], [0, false, false], 'nothing is there');

/* A path is a file to PHP, and a name is not. */
ini_set('open_basedir', __DIR__);
$without = new Sfshm\Cache('/dev/shm/elsewhere');
is(str_contains($warning, 'open_basedir restriction'), true, 'open_basedir counts');
is($without->get('a', fn() => 'made'), 'made', 'the work runs all the same');
is((new Sfshm\Cache)->fetch('text'), 'x', 'the segment of php.ini is not meant');
echo 'done';
