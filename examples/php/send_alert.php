<?php
// send_alert($error): one line that raises an alarm. ERROR_SENTINEL_DSN holds the DSN.

function send_alert(Throwable $error, string $level = 'error'): void
{
    $dsn = parse_url((string) getenv('ERROR_SENTINEL_DSN')) ?: [];
    $host = ($dsn['host'] ?? '') . (isset($dsn['port']) ? ":{$dsn['port']}" : '');
    $url = ($dsn['scheme'] ?? 'http') . "://$host" . preg_replace('~/\d+/?$~', '', $dsn['path'] ?? '') . '/log-error';
    $body = json_encode([
        'message' => $error->getMessage() ?: get_class($error), 'type' => get_class($error), 'level' => $level,
        'stack' => "#0 {$error->getFile()}({$error->getLine()}): \n{$error->getTraceAsString()}",
    ], JSON_INVALID_UTF8_SUBSTITUTE);
    $headers = 'X-Sentinel-Key: ' . ($dsn['user'] ?? '') . "\r\nContent-Type: application/json";
    $http = ['method' => 'POST', 'header' => $headers, 'content' => $body, 'timeout' => 5, 'ignore_errors' => true];
    @file_get_contents($url, false, stream_context_create(['http' => $http])); // A failure must not hurt the page.
}

if (realpath($argv[0] ?? '') === __FILE__) {
    send_alert(new RuntimeException('The disk is on fire'), 'fatal');
}
