<?php

namespace Sfshm\Laravel;

use Closure;
use Illuminate\Cache\Repository as LaravelRepository;

/** Laravel's repository; remember() and the like run one closure for all callers. */
class Repository extends LaravelRepository
{
    /** Laravel stores no null: a null goes only to the callers that wait. */
    private function once(string $key, Closure $closure, array $options): mixed
    {
        return Store::plain($this->store->cache($options)->get(
            $this->itemKey($key),
            function ($item, bool &$save) use ($closure) {
                $value = $closure();
                $save = $value !== null;
                return $value;
            },
        ));
    }

    public function remember($key, $ttl, Closure $callback)
    {
        return $ttl === null
            ? $this->rememberForever($key, $callback)
            : $this->once($key, $callback, ['ttl' => $this->getSeconds(value($ttl)), 'beta' => 0]);
    }

    public function rememberForever($key, Closure $callback)
    {
        return $this->once($key, $callback, ['ttl' => INF, 'beta' => 0]);
    }

    public function sear($key, Closure $callback)
    {
        return $this->rememberForever($key, $callback);
    }

    /**
     * $ttl: seconds for which the value is fresh, and seconds after which it is
     * gone. In between one caller makes the next value, and the others get the
     * old one. Laravel runs the closure after the response; here it runs at once.
     */
    public function flexible($key, $ttl, $callback, $lock = null, $alwaysDefer = false)
    {
        $fresh = $this->getSeconds($ttl[0]);
        return $this->once($key, Closure::fromCallable($callback), [
            'ttl' => $fresh,
            'grace' => max(0, $this->getSeconds($ttl[1]) - $fresh),
            'beta' => 0,
        ]);
    }
}
