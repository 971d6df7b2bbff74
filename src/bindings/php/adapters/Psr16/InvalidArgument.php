<?php

namespace Sfshm\Psr16;

final class InvalidArgument extends \InvalidArgumentException implements \Psr\SimpleCache\InvalidArgumentException
{
}
