<?php

namespace Sfshm\Laravel;

/** Leaves an update() that is to store nothing. */
final class Unchanged extends \Exception
{
}
