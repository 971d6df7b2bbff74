<?php

namespace Sfshm\Symfony;

use Symfony\Contracts\Cache\ItemInterface;

/**
 * The callback's item, with the interface of Symfony's contracts. Only some
 * versions declare types of the parameters, so the methods here declare none.
 */
final class Item implements ItemInterface
{
    private mixed $value = null;

    public function __construct(private \Sfshm\Item $item)
    {
    }

    public function getKey(): string
    {
        return $this->item->getKey();
    }

    public function get(): mixed
    {
        return $this->value;
    }

    public function isHit(): bool
    {
        return false;
    }

    public function set($value): static
    {
        $this->value = $value;
        return $this;
    }

    public function expiresAt($expiration): static
    {
        $this->item->expiresAt($expiration);
        return $this;
    }

    public function expiresAfter($time): static
    {
        $this->item->expiresAfter($time);
        return $this;
    }

    public function tag($tags): static
    {
        $this->item->tag(is_string($tags) || is_array($tags) ? $tags : iterator_to_array($tags, false));
        return $this;
    }

    public function getMetadata(): array
    {
        return [];
    }
}
