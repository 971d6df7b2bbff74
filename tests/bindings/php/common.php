<?php
/* What the programs of the tests share. They print "done" if nothing is wrong. */

spl_autoload_register(function (string $class) {
    foreach (['Sfshm\\' => getenv('ADAPTERS') . '/', '' => '/usr/share/php/'] as $prefix => $folder) {
        $file = $folder . strtr(substr($class, strlen($prefix)), '\\', '/') . '.php';
        if (str_starts_with($class, $prefix) && file_exists($file)) {
            require_once $file;
            return;
        }
    }
});

function is(mixed $got, mixed $wanted, string $what): void
{
    if ($got !== $wanted) {
        throw new LogicException("$what: " . var_export($got, true) . ' is not ' . var_export($wanted, true));
    }
}

function throws(string $class, string $message, callable $call): Throwable
{
    try {
        $call();
    } catch (Throwable $e) {
        is(get_class($e), $class, "the exception of $message");
        if (!str_contains($e->getMessage(), $message)) {
            throw new LogicException($e->getMessage() . " has no $message");
        }
        return $e;
    }
    throw new LogicException("no exception: $message");
}
