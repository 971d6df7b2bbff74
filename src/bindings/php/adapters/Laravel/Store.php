<?php

namespace Sfshm\Laravel;

use Illuminate\Contracts\Cache\LockProvider;
use Illuminate\Contracts\Cache\Store as StoreContract;

/**
 * A store for Laravel's cache. config/cache.php:
 *
 *     'sfshm' => ['driver' => 'sfshm', 'prefix' => 'app:'],
 *
 * and in a service provider's boot():
 *
 *     Cache::extend('sfshm', fn($app, $config) => new \Sfshm\Laravel\Repository(
 *         new \Sfshm\Laravel\Store($config['segment'] ?? null, $config['prefix'] ?? '')));
 */
class Store implements StoreContract, LockProvider
{
    private \Sfshm\Cache $cache;
    /** @var array<string, \Sfshm\Cache> by their options, serialized */
    private array $caches = [];

    /** @param array<string, mixed> $options of Sfshm\Cache */
    public function __construct(
        private ?string $segment = null,
        private string $prefix = '',
        private array $options = [],
    ) {
        $this->cache = $this->cache([]);
    }

    /** A cache with some other options than the store's. */
    public function cache(array $options): \Sfshm\Cache
    {
        $options += ['prefix' => $this->prefix] + $this->options;
        /* A queue's worker lives long, and may come to use many lifetimes. */
        if (count($this->caches) > 100) {
            $this->caches = [];
        }
        return $this->caches[serialize($options)] ??= new \Sfshm\Cache($this->segment, $options);
    }

    public static function plain(mixed $value): mixed
    {
        return $value instanceof Counter ? $value->value : $value;
    }

    public function get($key)
    {
        return self::plain($this->cache->fetch($key));
    }

    public function many(array $keys)
    {
        return array_map(self::plain(...), $this->cache->getMultiple($keys));
    }

    private static function stored(mixed $value, $seconds): mixed
    {
        return is_int($value) || is_float($value) ? Counter::lasting($value, $seconds) : $value;
    }

    public function put($key, $value, $seconds)
    {
        return $this->cache->set($key, self::stored($value, $seconds), $seconds);
    }

    public function add($key, $value, $seconds)
    {
        return $this->cache->add($key, self::stored($value, $seconds), $seconds);
    }

    public function putMany(array $values, $seconds)
    {
        $done = true;
        foreach ($values as $key => $value) {
            $done = $this->put((string)$key, $value, $seconds) && $done;
        }
        return $done;
    }

    /** Keeps the end of the number's lifetime; a new number's lifetime has no end. */
    public function increment($key, $value = 1)
    {
        while (true) {
            $found = $this->cache->fetch($key);
            $until = $found instanceof Counter ? $found->until : null;
            try {
                $made = $this->cache->update(
                    $key,
                    fn($old) => ($old instanceof Counter ? $old->until : null) === $until
                        ? new Counter(self::plain($old ?? 0) + $value, $until)
                        : throw new Unchanged(),
                    $until === null ? INF : $found->left(),
                );
                return self::plain($made);
            } catch (Unchanged) {
                /* The lifetime has changed since it was read. Tries again. */
            }
        }
    }

    public function decrement($key, $value = 1)
    {
        return $this->increment($key, -$value);
    }

    public function forever($key, $value)
    {
        return $this->cache->set($key, $value, INF);
    }

    /** Another caller's store in between is not lost: update() then starts again. */
    public function touch($key, $seconds)
    {
        try {
            $this->cache->update(
                $key,
                fn($old, $found) => $found && $old !== null
                    ? self::stored(self::plain($old), $seconds)
                    : throw new Unchanged(),
                $seconds,
            );
        } catch (Unchanged) {
            return false;
        }
        return true;
    }

    public function forget($key)
    {
        return $this->cache->delete($key);
    }

    public function flush()
    {
        return $this->cache->clear();
    }

    public function getPrefix()
    {
        return $this->prefix;
    }

    /** Laravel's lock, which has an owner and a lifetime and outlasts the request. */
    public function lock($name, $seconds = 0, $owner = null)
    {
        return new Lock($this->cache, $name, $seconds, $owner);
    }

    public function restoreLock($name, $owner)
    {
        return $this->lock($name, 0, $owner);
    }

    /**
     * sfshm's lock: waiters sleep until it is released, and it is released by
     * the end of the request and by the death of its holder.
     */
    public function exclusive(string $name, ?float $timeout = null): \Sfshm\Lock
    {
        return $this->cache->lock($name, $timeout);
    }
}
