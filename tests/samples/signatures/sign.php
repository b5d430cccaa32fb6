<?php
// PHP's way: every value through http_build_query, where a space becomes "+".
// usage: php sign.php SECRET_ID SECRET_KEY ISSUED_AT EXPIRES_AT RANDOM
[, $secretId, $secretKey, $issuedAt, $expiresAt, $random] = $argv;

$original = http_build_query([
    'secretId' => $secretId,
    'currentTimeStamp' => $issuedAt,
    'expireTime' => $expiresAt,
    'random' => $random,
]);
echo base64_encode(hash_hmac('sha1', $original, $secretKey, true) . $original);
