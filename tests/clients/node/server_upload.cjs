// Upload files with the server SDK for Node as it is published: node server_upload.cjs JOB
//
// JOB is JSON: `secretId`, `secretKey`, `uploads`: a list of requests with the members of VodUploadRequest.
// They go one after the other; the last line printed is the list of their results.
// `hold`: before the second one and each further, print a line and wait for one.
"use strict";
const readline = require("node:readline");
const { VodUploadClient, VodUploadRequest } = require("vod-node-sdk");

const { secretId, secretKey, uploads, hold = false } = JSON.parse(process.argv[2]);
const client = new VodUploadClient(secretId, secretKey);

function upload(members) {
  return new Promise((resolve) => {
    client.upload("ap-guangzhou", Object.assign(new VodUploadRequest(), members), (error, response) => {
      // The storage's error is an object, the server API's an Error.
      if (error) resolve({ error: error.code ?? error.message });
      else resolve({ fileId: response.FileId, mediaUrl: response.MediaUrl, coverUrl: response.CoverUrl });
    });
  });
}

async function main() {
  const results = [];
  const input = readline.createInterface({ input: process.stdin });
  const lines = input[Symbol.asyncIterator]();
  for (const members of uploads) {
    if (hold && results.length > 0) {
      print({ held: results.length });
      await lines.next();
    }
    results.push(await upload(members));
  }
  input.close();
  print({ results });
}

function print(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

main();
