// Follow one upload on the status service until nothing more will happen to it.
//
// Polls GET /uploads/{id} no faster than Retry-After asks, and with the last ETag, so that an
// unchanged upload costs an empty 304.

import { exchange, isConnectionLost } from "./connection.js";

const DEFAULT_WAIT = 2000;
const LONGEST_WAIT = 30_000;

export class UploadStatusError extends Error {
  name = "UploadStatusError";

  constructor(problem) {
    super(problem.detail ?? problem.title ?? `Status ${problem.status}`);
    this.problem = problem;
  }
}

export async function readUpload(uploadId, { endpoint = "", authorization, etag = null, signal }) {
  const headers = etag ? { "If-None-Match": etag } : {};
  const { response, text } = await exchange(
    address(endpoint, uploadId),
    { headers, signal },
    { authorization },
  );
  const wait = Number(response.headers.get("Retry-After")) * 1000 || DEFAULT_WAIT;
  if (response.status === 304) return { upload: null, etag, wait };
  if (!response.ok) throw refusal(response, text);
  return { upload: JSON.parse(text), etag: response.headers.get("ETag"), wait };
}

// The promise settles with the final upload; it rejects when the service says it knows no such upload.
// `firstAfter` gives the event of a commit that was just made the time to arrive.
export async function followUpload(uploadId, { endpoint, authorization, onChange, signal, firstAfter = 0 }) {
  let etag = null;
  let failures = 0;
  await pause(firstAfter, signal);
  for (;;) {
    let wait;
    try {
      const answer = await readUpload(uploadId, { endpoint, authorization, etag, signal });
      ({ etag, wait } = answer);
      failures = 0;
      if (answer.upload) {
        onChange(answer.upload);
        if (answer.upload.final) return answer.upload;
      }
    } catch (error) {
      if (signal.aborted || !isTemporary(error)) throw error;
      failures += 1;
      wait = Math.min(DEFAULT_WAIT * 2 ** failures, LONGEST_WAIT);
    }
    await pause(wait, signal);
  }
}

// True when the upload will never commit any more, so that its record may go.
export async function cancelUpload(uploadId, { endpoint = "", authorization }) {
  const init = { method: "DELETE" };
  const { response, text } = await exchange(address(endpoint, uploadId), init, { authorization });
  if (response.ok || response.status === 404) return true;
  if (response.status === 409) return false;
  throw refusal(response, text);
}

function address(endpoint, uploadId) {
  return `${endpoint}/uploads/${encodeURIComponent(uploadId)}`;
}

function isTemporary(error) {
  const status = error.problem?.status ?? 0;
  return isConnectionLost(error) || status === 429 || status >= 500;
}

function refusal({ status, statusText }, text) {
  try {
    return new UploadStatusError({ ...JSON.parse(text), status });
  } catch {
    return new UploadStatusError({ status, title: statusText });
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const end = () => reject(new Error("Following this upload was ended."));
    signal.addEventListener("abort", end, { once: true });
    setTimeout(() => {
      signal.removeEventListener("abort", end);
      resolve();
    }, milliseconds);
  });
}
