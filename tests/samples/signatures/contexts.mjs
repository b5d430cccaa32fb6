// Signatures of several contexts with one key, both given as JSON on standard input: [key, [context, ...]].
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";

const [key, contexts] = JSON.parse(readFileSync(0, "utf8"));
const percent = (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase();
const signatures = contexts.map((context) => {
  const value = encodeURIComponent(context).replace(/[!'()*]/g, percent);
  const original = "secretId=AKIDEXAMPLE0000000000&currentTimeStamp=1793318400&expireTime=1793319000"
    + "&random=3735928559&sourceContext=" + value;
  const digest = createHmac("sha1", key).update(original, "utf8").digest();
  return Buffer.concat([digest, Buffer.from(original, "utf8")]).toString("base64");
});
process.stdout.write(JSON.stringify(signatures));
