<?php
// SPDX-License-Identifier: MIT
//
// The report as a page: one worker of PHP-FPM makes it, the others wait.

$cache = new Sfshm\Cache; // of the segment that PHP's settings name
$region = $_GET['key'];
echo $cache->get($region, function (Sfshm\Item $item) use ($region) {
    $item->expiresAfter(600);
    return make_report($region);
});

/** The three customers who spent most there. */
function make_report(string $region): string
{
    $line = sprintf("%.6f [%d] %s\n", microtime(true), getmypid(), "making the report on $region");
    file_put_contents(getenv('LOG'), $line, FILE_APPEND);
    $spent = [];
    $sales = fopen(getenv('SALES'), 'r');
    while ($line = fgets($sales)) {
        [, $where, , $customer, $cents] = explode(',', $line);
        if ($where === $region) {
            $spent[$customer] = ($spent[$customer] ?? 0) + (int) $cents;
        }
    }
    ksort($spent);
    arsort($spent); // a stable sort
    $report = '';
    foreach (array_slice($spent, 0, 3) as $customer => $cents) {
        $report .= sprintf("%s %.2f\n", $customer, $cents / 100);
    }
    return $report;
}
