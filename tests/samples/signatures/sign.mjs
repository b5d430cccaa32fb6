// Node's way: every value through querystring.stringify, which leaves ! ' ( ) * ~ as they are.
// usage: node sign.mjs SECRET_ID SECRET_KEY ISSUED_AT EXPIRES_AT RANDOM
import { createHmac } from "node:crypto";
import { stringify } from "node:querystring";

const [secretId, secretKey, currentTimeStamp, expireTime, random] = process.argv.slice(2);
const original = stringify({ secretId, currentTimeStamp, expireTime, random });
const digest = createHmac("sha1", secretKey).update(original).digest();
process.stdout.write(Buffer.concat([digest, Buffer.from(original)]).toString("base64"));
