// Upload files with the Web SDK as a bundler imports it (`lib/`), in S3 mode: node web_upload.cjs JOB
//
// JOB is JSON: `sdk`, the SDK's folder, and `uploads`, each with `media` and `cover` as paths, `signatures`
// (see signatures.cjs), `options` of upload() and `cancel`, to cancel at the first progress.
// COS mode needs a browser's XMLHttpRequest; S3 mode sends with fetch, and its calls with axios.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { File } = require("node:buffer");
const { createSignatures } = require("./signatures.cjs");

const job = JSON.parse(process.argv[2]);
const { default: TcVod } = require(job.sdk);
const kept = new Map();

console.log = () => {}; // the SDK logs there; this program prints its outcome
global.localStorage = {
  getItem: (name) => kept.get(name) ?? null,
  setItem: (name, value) => kept.set(name, value),
  removeItem: (name) => kept.delete(name),
};

function fileAt(file) {
  return new File([fs.readFileSync(file)], path.basename(file));
}

async function upload({ media, cover, signatures, options, cancel = false }) {
  const source = createSignatures(signatures);
  const files = { mediaFile: fileAt(media), ...(cover && { coverFile: fileAt(cover) }) };
  const client = new TcVod({ getSignature: source.next, allowReport: false });
  const uploader = client.upload({ ...files, storageType: "s3", ...options });
  if (cancel) uploader.on("media_progress", () => uploader.cancel());
  const outcome = await uploader.done().then(
    ({ fileId }) => ({ fileId }),
    ({ name }) => ({ error: name }),
  );
  return { ...outcome, uploadId: source.uploadId, asked: source.asked, sessions: kept.size };
}

async function main() {
  const results = [];
  for (const one of job.uploads) results.push(await upload(one));
  process.stdout.write(`${JSON.stringify({ results })}\n`);
}

main();
