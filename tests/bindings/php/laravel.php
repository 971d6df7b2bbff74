<?php
require __DIR__ . '/common.php';

require '/usr/share/php/Illuminate/Cache/autoload.php';

$store = new Sfshm\Laravel\Store(null, 'laravel.');
$cache = new Sfshm\Laravel\Repository($store);
$runs = 0;
$make = function () use (&$runs) {
    return 'run ' . ++$runs;
};
is($cache->remember('a', 60, $make), 'run 1', 'remember');
is($cache->remember('a', 60, $make), 'run 1', 'once');
is($cache->get('a'), 'run 1', 'get');
is($cache->remember('null', 60, fn() => null), null, 'null');
is($cache->remember('null', 60, fn() => 1), 1, 'is not stored');
is($cache->rememberForever('ever', $make), 'run 2', 'for ever');
is($cache->flexible('f', [60, 120], $make), 'run 3', 'flexible');
is($cache->flexible('f', [60, 120], $make), 'run 3', 'is fresh');
is($store->cache([])->expire('f'), true, 'is stale');
is($cache->flexible('f', [60, 120], $make), 'run 4', 'one makes the next');
is($cache->put('n', 5, 60), true, 'put');
is($cache->increment('n'), 6, 'increment');
is($cache->decrement('n', 2), 4, 'decrement');
is($cache->get('n'), 4, 'a number');
is($store->cache([])->fetch('n')->left() > 0.001, true, 'its lifetime stays');
is($cache->increment('new'), 1, 'a new number');
is($cache->add('n', 1, 60), false, 'add: there is one');
is($cache->many(['n', 'none']), ['n' => 4, 'none' => null], 'many');
is($cache->forget('n'), true, 'forget');
is($cache->add('n', 1, 60), true, 'add');
$lock = $store->lock('l', 3600);
is($lock->get(), true, 'lock');
is($store->lock('l', 3600)->get(), false, 'is held');
is($store->restoreLock('l', 'another')->release(), false, 'by another owner');
is($store->restoreLock('l', $lock->owner())->release(), true, 'the owner releases it');
is($store->lock('l', 3600)->get(fn() => 'inside'), 'inside', 'free again');
is($store->lock('l')->get(), true, 'without a lifetime');
$store->lock('l')->forceRelease();
is($store->lock('l', 3600)->block(5, fn() => 'blocked'), 'blocked', 'block');
is($store->exclusive('l')->release(), true, "sfshm's lock");

/** Runs $then, once, where another caller may come in between: after a look. */
class Between extends Sfshm\Cache
{
    public array $then = [];

    private function come(): void
    {
        $then = array_shift($this->then);
        $then && $then();
    }

    public function fetch(string $key, mixed $default = null): mixed
    {
        $value = parent::fetch($key, $default);
        $this->come();
        return $value;
    }

    public function update(string $key, callable $change, int|float|\DateInterval|null $ttl = null): mixed
    {
        return parent::update($key, function ($old, $found) use ($change) {
            $this->come();
            return $change($old, $found);
        }, $ttl);
    }
}

class Interrupted extends Sfshm\Laravel\Store
{
    public array $between = [];

    public function cache(array $options): Sfshm\Cache
    {
        return $this->between[] = new Between(null, $options + ['prefix' => 'laravel.']);
    }

    public function then(callable ...$then): void
    {
        $this->between[0]->then = $then;
    }
}

$late = new Interrupted(null, 'laravel.');
$store->put('n', 5, 60);
$late->then(fn() => $store->increment('n'));
is($late->touch('n', 60), true, 'touch, and another increments meanwhile');
is($store->get('n'), 6, 'the increment is there');
$late->then(fn() => $store->forget('n'));
is($late->touch('n', 60), false, 'touch, and another forgets meanwhile');
is($store->get('n'), null, 'it stays forgotten');
is($store->touch('n', 60), false, 'touch without a value');
$store->put('text', 'as it was', 60);
is($store->touch('text', 3600), true, 'touch of a text');
is($store->get('text'), 'as it was', 'has the text');
$store->put('w', 7, 0.2);
$nothing = fn() => null;
$wait = fn() => usleep(300000);
$late->then(fn() => $store->put('w', 1000000, 60), $nothing, $wait);
is($late->increment('w'), 1000001, 'another puts a number meanwhile, which keeps its own lifetime');
is($store->get('w'), 1000001, 'and is there');

is($cache->flush(), true, 'flush');
is($cache->has('a'), false, 'all gone');
echo 'done';
