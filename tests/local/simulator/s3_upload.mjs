// Uploads bytes with Amazon's own client, the one that the Web SDK's S3 mode uses.
// Takes one JSON argument and prints one JSON object; see test_s3_client.py.

import { Agent } from "node:http";
import { createRequire } from "node:module";
import { Readable } from "node:stream";

// The packages of the page, whose folder is none of those that Node searches from here.
const require = createRequire(new URL("../../../local/page/package.json", import.meta.url));
const { PutObjectCommand, S3Client } = require("@aws-sdk/client-s3");
const { Upload } = require("@aws-sdk/lib-storage");

const { abort, bucket, certificate, key, kind, port, region, size } = JSON.parse(process.argv[2]);

// Every name is this machine.
const lookup = (_host, options, done) =>
  options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4);

const client = new S3Client({
  endpoint: `http://cos.${region}.myqcloud.com:${port}`,
  region,
  forcePathStyle: kind === "path",
  maxAttempts: 1,
  credentials: {
    accessKeyId: certificate.secretId,
    secretAccessKey: certificate.secretKey,
    sessionToken: certificate.token,
  },
  requestHandler: { httpAgent: new Agent({ lookup }) },
});
const body = Buffer.alloc(size, "vod");
const target = { Bucket: bucket, Key: key };

try {
  if (kind === "stream") {
    const stream = Readable.from([body.subarray(0, 7), body.subarray(7)]);
    const answer = await client.send(
      new PutObjectCommand({ ...target, Body: stream, ContentLength: size }),
    );
    console.log(JSON.stringify({ etag: answer.ETag }));
  } else {
    const upload = new Upload({
      client,
      params: { ...target, Body: body },
      partSize: 5 * 1024 * 1024,
      queueSize: 6,
    });
    if (abort) {
      upload.on("httpUploadProgress", () => upload.abort());
    }
    const answer = await upload.done();
    console.log(JSON.stringify({ etag: answer.ETag, location: answer.Location }));
  }
} catch (error) {
  console.log(JSON.stringify({ name: error.name, status: error.$metadata?.httpStatusCode }));
}
client.destroy();
