<?php

namespace Sfshm\Psr16;

use Psr\SimpleCache\CacheInterface;

/**
 * PSR-16, versions 1 to 3. Only later versions declare types of the parameters,
 * so the methods here declare none.
 */
final class Cache implements CacheInterface
{
    public function __construct(private \Sfshm\Cache $cache)
    {
    }

    /** Throws PSR-16's exception for a key or a lifetime that PSR-16 forbids. */
    private static function check(callable $call): mixed
    {
        try {
            return $call();
        } catch (\ValueError | \TypeError $e) {
            throw new InvalidArgument($e->getMessage(), 0, $e);
        }
    }

    private static function key(mixed $key): string
    {
        if (!is_string($key) || strpbrk($key, '{}()/\@:') !== false) {
            throw new InvalidArgument('a key is a string without {}()/\@:');
        }
        return $key;
    }

    /** @return list<string> */
    private static function keys(mixed $keys): array
    {
        if (!is_iterable($keys)) {
            throw new InvalidArgument('keys are an array or Traversable');
        }
        $names = [];
        foreach ($keys as $key) {
            $names[] = self::key($key);
        }
        return $names;
    }

    public function get($key, $default = null): mixed
    {
        return self::check(fn() => $this->cache->fetch(self::key($key), $default));
    }

    public function set($key, $value, $ttl = null): bool
    {
        return self::check(fn() => $this->cache->set(self::key($key), $value, $ttl));
    }

    public function delete($key): bool
    {
        return self::check(fn() => $this->cache->delete(self::key($key)));
    }

    public function clear(): bool
    {
        return $this->cache->clear();
    }

    public function getMultiple($keys, $default = null): iterable
    {
        return self::check(fn() => $this->cache->getMultiple(self::keys($keys), $default));
    }

    public function setMultiple($values, $ttl = null): bool
    {
        if (!is_iterable($values)) {
            throw new InvalidArgument('values are an array or Traversable');
        }
        $checked = [];
        foreach ($values as $key => $value) {
            $checked[self::key(is_int($key) ? (string)$key : $key)] = $value;
        }
        return self::check(fn() => $this->cache->setMultiple($checked, $ttl));
    }

    public function deleteMultiple($keys): bool
    {
        return self::check(fn() => $this->cache->deleteMultiple(self::keys($keys)));
    }

    public function has($key): bool
    {
        return self::check(fn() => $this->cache->has(self::key($key)));
    }
}
