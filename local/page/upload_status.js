// Follow one upload on the status service until nothing more will happen to it.
//
// Polls GET /uploads/{id} no faster than Retry-After asks, and with the last ETag, so that an
// unchanged upload costs an empty 304.

const DEFAULT_WAIT = 2000;
const LONGEST_WAIT = 30_000;

export class UploadStatusError extends Error {
  name = "UploadStatusError";

  constructor(problem) {
    super(problem.detail ?? problem.title ?? `Status ${problem.status}`);
    this.problem = problem;
  }
}

export async function readUpload(uploadId, { authorization, etag = null, signal }) {
  const headers = { Authorization: `Bearer ${await authorization()}` };
  if (etag) headers["If-None-Match"] = etag;
  const response = await fetch(`/uploads/${encodeURIComponent(uploadId)}`, {
    headers,
    cache: "no-store",
    signal,
  });
  const wait = Number(response.headers.get("Retry-After")) * 1000 || DEFAULT_WAIT;
  if (response.status === 304) return { upload: null, etag, wait };
  if (!response.ok) throw new UploadStatusError(await problemOf(response));
  return { upload: await response.json(), etag: response.headers.get("ETag"), wait };
}

// The promise settles with the final upload; it rejects when the service says it knows no such upload.
// `firstAfter` gives the event of a commit that was just made the time to arrive.
export async function followUpload(uploadId, { authorization, onChange, signal, firstAfter = 0 }) {
  let etag = null;
  let failures = 0;
  await pause(firstAfter, signal);
  for (;;) {
    let wait;
    try {
      const answer = await readUpload(uploadId, { authorization, etag, signal });
      ({ etag, wait } = answer);
      failures = 0;
      if (answer.upload) {
        onChange(answer.upload);
        if (answer.upload.final) return answer.upload;
      }
    } catch (error) {
      if (signal.aborted || isRefusal(error)) throw error;
      failures += 1;
      wait = Math.min(DEFAULT_WAIT * 2 ** failures, LONGEST_WAIT);
    }
    await pause(wait, signal);
  }
}

// True when the upload will never commit any more, so that its record may go.
export async function cancelUpload(uploadId, { authorization }) {
  const response = await fetch(`/uploads/${encodeURIComponent(uploadId)}`, {
    method: "DELETE",
    headers: { Authorization: `Bearer ${await authorization()}` },
  });
  if (response.ok || response.status === 404) return true;
  if (response.status === 409) return false;
  throw new UploadStatusError(await problemOf(response));
}

function isRefusal(error) {
  const status = error.problem?.status ?? 0;
  return status >= 400 && status < 500 && status !== 429;
}

async function problemOf(response) {
  try {
    return { ...(await response.json()), status: response.status };
  } catch {
    return { status: response.status, title: response.statusText };
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const end = () => reject(signal.reason);
    signal.addEventListener("abort", end, { once: true });
    setTimeout(() => {
      signal.removeEventListener("abort", end);
      resolve();
    }, milliseconds);
  });
}
