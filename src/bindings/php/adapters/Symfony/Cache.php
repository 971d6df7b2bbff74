<?php

namespace Sfshm\Symfony;

use Symfony\Contracts\Cache\TagAwareCacheInterface;

/** Symfony's cache contracts, versions 2 and 3, tags included. */
final class Cache implements TagAwareCacheInterface
{
    public function __construct(private \Sfshm\Cache $cache)
    {
    }

    public function get(string $key, callable $callback, ?float $beta = null, ?array &$metadata = null): mixed
    {
        return $this->cache->get(
            $key,
            function (\Sfshm\Item $item, bool &$save) use ($callback) {
                return $callback(new Item($item), $save);
            },
            $beta,
            $metadata,
        );
    }

    public function delete(string $key): bool
    {
        return $this->cache->delete($key);
    }

    public function invalidateTags(array $tags): bool
    {
        return $this->cache->invalidateTags($tags);
    }
}
