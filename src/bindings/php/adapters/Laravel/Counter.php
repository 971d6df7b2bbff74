<?php

namespace Sfshm\Laravel;

/** A number with the end of its lifetime, which increment() leaves as it is. */
final class Counter
{
    public function __construct(public int|float $value, public ?float $until)
    {
    }

    public static function lasting(int|float $value, float $seconds): self
    {
        return new self($value, microtime(true) + $seconds);
    }

    /** The seconds that are left; null: no end. */
    public function left(): ?float
    {
        return $this->until === null ? null : max(0.001, $this->until - microtime(true));
    }
}
