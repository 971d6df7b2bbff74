<?php

namespace Sfshm\Laravel;

use Illuminate\Cache\Lock as LaravelLock;

/** A key whose value is the owner's name, for $seconds; 0: until it is released. */
class Lock extends LaravelLock
{
    private const PREFIX = 'laravel.lock:';

    public function __construct(private \Sfshm\Cache $cache, $name, $seconds, $owner = null)
    {
        parent::__construct($name, $seconds, $owner);
    }

    private function key(): string
    {
        return self::PREFIX . $this->name;
    }

    public function acquire()
    {
        return $this->cache->add($this->key(), $this->owner, $this->seconds > 0 ? $this->seconds : INF);
    }

    /** Removes the key only while it has this owner's name. */
    public function release()
    {
        $mine = false;
        try {
            $this->cache->update($this->key(), function ($owner) use (&$mine) {
                $mine = $owner === $this->owner;
                return $mine ? '' : throw new \LogicException();
            }, 0);
        } catch (\LogicException) {
        }
        return $mine;
    }

    public function forceRelease()
    {
        $this->cache->delete($this->key());
    }

    protected function getCurrentOwner()
    {
        return $this->cache->fetch($this->key());
    }
}
