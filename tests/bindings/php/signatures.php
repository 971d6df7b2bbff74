<?php
/* Prints the classes' declarations, those of the extension or of the stub. */
if (!class_exists('Sfshm\Cache', false)) {
    require $argv[1];
}
foreach (['Exception', 'TimeoutException', 'WorkException', 'Item', 'Lock', 'Permit', 'Cache'] as $name) {
    $class = new ReflectionClass("Sfshm\\$name");
    echo $class->isFinal() ? 'final ' : '', $name, ': ', $class->getParentClass() ? $class->getParentClass()->getName() : '', "\n";
    foreach ($class->getMethods() as $method) {
        if ($method->class !== "Sfshm\\$name") {
            continue;
        }
        $parameters = [];
        foreach ($method->getParameters() as $p) {
            $types = explode('|', (string)$p->getType());
            sort($types);
            $parameters[] = implode('|', $types) . ' ' . ($p->isPassedByReference() ? '&' : '') . $p->getName()
                . ($p->isOptional() ? ' = ' . var_export($p->getDefaultValue(), true) : '');
        }
        echo '  ', $method->getName(), '(', implode(', ', $parameters), '): ', $method->getReturnType(), "\n";
    }
}
