<?php

/**
 * Signatures for editors and for PHP's build/gen_stub.php; sfshm_arginfo.h says
 * the same to PHP.
 *
 * @generate-class-entries
 */

namespace Sfshm;

/** The library refused the call, or waiting would deadlock; the code is an errno. */
class Exception extends \RuntimeException
{
}

/** The wait took longer than the timeout; the other caller still leads. */
class TimeoutException extends Exception
{
}

/** The server of a strict cache's fleet cannot be used, or refuses the key. */
class FleetAwayException extends Exception
{
}

/** Another caller's callback threw: its message and its code. */
class WorkException extends Exception
{
}

/** The argument of a callback of Cache::get(): sets options of its value. */
final class Item
{
    public function getKey(): string {}

    /** In seconds; null: the cache's lifetime; 0: for the present callers only. */
    public function expiresAfter(int|float|\DateInterval|null $time): static {}

    public function expiresAt(?\DateTimeInterface $time): static {}

    /** Up to four tags in all. */
    public function tag(string|array $tags): static {}

    /** The value that this one replaces. */
    public function previous(mixed $default = null): mixed {}

    /** The lease ends this many seconds from now. False: another caller leads. */
    public function extend(float $seconds): bool {}
}

/** A lock that is held until release(), the object's end or the request's. */
final class Lock
{
    /** False: it was released before. */
    public function release(): bool {}

    /** The last holder ended without a release: repair what the lock protects. */
    public function ownerDied(): bool {}

    /** Grows with each hold of a key: a fencing token. */
    public function generation(): int {}
}

/** A permit of a semaphore, held as a lock is. */
final class Permit
{
    /** False: it was released before. */
    public function release(): bool {}
}

class Cache
{
    /**
     * @param string|null $segment a name or a path; null: sfshm.segment
     * @param array{prefix?: string, ttl?: float, neg_ttl?: float, grace?: float,
     *     stale_if_error?: float, beta?: float, timeout?: float, lock_age?: float,
     *     stale_on_timeout?: bool, breaker_deaths?: int, breaker?: float,
     *     fleet?: string|false, fleet_options?: array{strict?: bool, lease?: float,
     *     timeout?: float, retry?: float, jitter?: int}} $options times in seconds;
     *     fleet: a server's URL; null: sfshm.fleet, if $segment is null
     */
    public function __construct(?string $segment = null, array $options = []) {}

    /**
     * The key's value. If there is none, one caller runs
     * $callback(Item $item, bool &$save), and the others wait for its value.
     *
     * @param float|null $beta early refresh; null: the cache's; INF: now; 0: never
     */
    public function get(string $key, callable $callback, ?float $beta = null, mixed &$metadata = null): mixed {}

    /** As apcu_entry(): $generator($key); a lifetime of 0 is for ever. */
    public function entry(string $key, callable $generator, int|float|\DateInterval|null $ttl = 0): mixed {}

    public function fetch(string $key, mixed $default = null): mixed {}

    public function has(string $key): bool {}

    public function set(string $key, mixed $value, int|float|\DateInterval|null $ttl = null): bool {}

    /** Stores only if there is no fresh value; returns whether it did. */
    public function add(string $key, mixed $value, int|float|\DateInterval|null $ttl = null): bool {}

    /** Stores $change($old, $found). Starts again if another caller stores meanwhile. */
    public function update(string $key, callable $change, int|float|\DateInterval|null $ttl = null): mixed {}

    public function delete(string $key): bool {}

    /** The value becomes stale; false: there is none. */
    public function expire(string $key): bool {}

    public function clear(): bool {}

    public function invalidateTags(array $tags): bool {}

    public function getMultiple(iterable $keys, mixed $default = null): array {}

    public function setMultiple(iterable $values, int|float|\DateInterval|null $ttl = null): bool {}

    public function deleteMultiple(iterable $keys): bool {}

    /** @throws TimeoutException */
    public function lock(string $key, ?float $timeout = null, bool $shared = false): Lock {}

    public function tryLock(string $key, bool $shared = false): ?Lock {}

    /** @throws TimeoutException */
    public function acquire(string $name, int $permits, ?float $timeout = null): Permit {}

    public function tryAcquire(string $name, int $permits): ?Permit {}

    /** @return array<string, int> */
    public function counters(): array {}
}
