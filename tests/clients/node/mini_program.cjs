// Upload one file with the mini program SDK as it is published: node mini_program.cjs JOB
//
// JOB is JSON: `port` of the simulator, `storage` and `libraryVersion` of the mini program, `signatures` (see
// signatures.cjs), and `options` of the SDK with `mediaFile` and `coverFile` as paths.
// `hold`: before the nth request of this kind, as in "CommitUploadUGC" or "UploadPart 2", print a line and
// wait for one. `pause`: there pause the upload and restart it, so that this request is not sent. `lose`: send
// it, and lose its reply.
// The last line printed is the outcome: what the SDK called back with, and every request that it made.
"use strict";
const fs = require("node:fs");
const readline = require("node:readline");
const { createSignatures } = require("./signatures.cjs");
const { createWx } = require("./wx_runtime.cjs");

const job = JSON.parse(process.argv[2]);
const requests = [];
const counted = {};
const input = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
let uploader = null;

// The SDK leaves the promise of a failed transfer without a handler; WeChat logs that and goes on.
process.on("unhandledRejection", () => {});
console.log = () => {}; // the SDK logs every URL, signed parameters included

function print(line) {
  fs.writeSync(1, `${JSON.stringify(line)}\n`);
}

function kindOf({ url, method }) {
  const { host, pathname, searchParams } = new URL(url);
  if (host === "vodreport.qcloud.com") return "Statistics";
  if (searchParams.has("Action")) return searchParams.get("Action");
  if (searchParams.has("partNumber")) return "UploadPart";
  if (searchParams.has("uploads"))
    return method === "POST" ? "InitiateMultipartUpload" : "ListMultipartUploads";
  if (searchParams.has("uploadId")) return method === "POST" ? "CompleteMultipartUpload" : "ListParts";
  return pathname === "/" ? "PostObject" : "PutObject";
}

async function before(request) {
  const kind = kindOf(request);
  counted[kind] = (counted[kind] ?? 0) + 1;
  const names = [kind, `${kind} ${counted[kind]}`];
  requests.push({
    kind,
    host: new URL(request.url).host,
    forwarded: request.header["vod-forward-cos"] ?? null,
  });
  if (names.includes(job.hold)) {
    print({ held: kind, uploadId: signatures.uploadId });
    await input.next();
  }
  if (names.includes(job.pause)) {
    await new Promise(setImmediate); // until the SDK has the task of this request, which it aborts
    uploader.pause();
    uploader.restart();
  }
  return names.includes(job.lose) ? "lose" : "send";
}

function report(outcome, value) {
  print({ outcome, value, asked: signatures.asked, uploadId: signatures.uploadId, requests });
  // Not at once: the SDK forgets a finished session after it has called back.
  setImmediate(() => process.exit(0));
}

global.window = undefined; // a name that a mini program knows, without a value
global.wx = createWx({ ...job, before });
const signatures = createSignatures(job.signatures);
const { mediaFile, coverFile, asynchronous, ...options } = job.options;
const { start } = require("vod-wx-sdk-v2");

// Chosen with wx.chooseVideo and wx.chooseImage, whose results have these members.
const chosen = { mediaFile: { tempFilePath: mediaFile, size: fs.statSync(mediaFile).size } };
if (coverFile) {
  chosen.coverFile = { tempFilePaths: [coverFile], tempFiles: [{ size: fs.statSync(coverFile).size }] };
}
const withCallback = (callback) => {
  signatures.next().then(callback, (error) => report("error", { message: error.message }));
};

uploader = start({
  ...options,
  ...chosen,
  getSignature: asynchronous ? async () => signatures.next() : withCallback,
  progress: () => {},
  error: (value) => report("error", value.data ?? value),
  finish: (value) => report("finish", value),
});
