// Run the mini program example of docs/clients.md: node run_mini_program.cjs EXAMPLE RUNTIME JOB
//
// RUNTIME is tests/clients/node/wx_runtime.cjs. JOB is JSON: `wx` for that, `file`, `service`, `token`.
"use strict";
const [example, runtime, text] = process.argv.slice(2);
const job = JSON.parse(text);
console.log = () => {}; // the SDK logs every URL, signed parameters included
global.window = undefined; // a name that a mini program knows, without a value
global.wx = require(runtime).createWx(job.wx);

let uploadId;
const heard = {
  onUploadId: (id) => {
    uploadId = id;
  },
  progress: () => {},
};
require(example)
  .upload(job.file, { ...job, ...heard })
  .then((file) => {
    process.stdout.write(`${JSON.stringify({ uploadId, ...file })}\n`);
    // Not at once: the SDK forgets a finished session after it has called back.
    setImmediate(() => process.exit(0));
  });
