// Where a page gets its upload signatures.
//
//   const source = createSignatureSource({
//     url: "/signature",
//     authorization: async ({ renew }) => (await session({ renew })).token, // asked before every attempt
//     request: { policy: "default", context: "lesson 3" }, // what the first call asks for
//     onUploadId: (uploadId) => remember(uploadId), // once, as soon as the upload has an identity
//   });
//   startTransfer({ TcVod, media: file, getSignature: source.getSignature, … }); // see transfer.js
//
// - The Web SDK asks two to nine times for one upload. Each time gets a fresh signature, because one
//   that is valid once must never be sent twice: nothing is kept here but the upload's id.
// - The first call begins the upload session and fixes what its signatures carry; later calls send
//   only the `uploadId`. Pass a remembered `uploadId` to go on with an interrupted upload.
// - Lost connections, 429 and 5xx are tried again. A 401 is tried once more, with the token that
//   `authorization` gives for `renew: true`. Any other refusal is final. What is thrown in the end is an
//   UploadSignatureError whose `problem` is the service's problem document (RFC 9457).
// - The first call carries an Idempotency-Key, so that no repetition of it begins a second session.

import { ConnectionLostError, exchange } from "./connection.js";

const MAX_ATTEMPTS = 5;
const LONGEST_WAIT = 10_000;
const SIGNATURE = /^[A-Za-z0-9+/]{40,}={0,2}$/;

export class UploadSignatureError extends Error {
  name = "UploadSignatureError";

  constructor(message, { problem = null, retryAfter = null, temporary = false, cause } = {}) {
    super(message, { cause });
    this.problem = problem;
    this.retryAfter = retryAfter;
    this.temporary = temporary;
  }
}

export function createSignatureSource({
  url,
  authorization,
  request = {},
  uploadId = null,
  onUploadId = () => {},
  fetch,
  wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  idempotencyKey = randomKey,
}) {
  const key = `"${idempotencyKey()}"`;
  let known = uploadId;
  let opening = null;

  async function getSignature() {
    // Two first calls at once would begin two sessions: the second one waits for the first one's id.
    while (!known && opening) await opening.catch(() => {});
    if (known) return (await issue({ uploadId: known })).signature;
    opening = issue(request);
    try {
      const issued = await opening;
      known = issued.uploadId;
      onUploadId(known);
      return issued.signature;
    } finally {
      opening = null;
    }
  }

  async function issue(body) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await ask(body);
      } catch (error) {
        if (!error?.temporary || attempt === MAX_ATTEMPTS || error.retryAfter > LONGEST_WAIT) throw error;
        await wait(error.retryAfter ?? backOff(attempt));
      }
    }
  }

  async function ask(body) {
    const init = {
      method: "POST",
      headers: {
        Accept: "application/json",
        "Content-Type": "application/json",
        ...(!body.uploadId && { "Idempotency-Key": key }),
      },
      body: JSON.stringify(body),
    };
    const { response, text } = await exchange(url, init, { authorization, fetch }).catch(unreachable);
    if (!response.ok) throw refusal(response, text);
    return checked(response, text);
  }

  return {
    getSignature,
    get uploadId() {
      return known;
    },
  };
}

// Whether the request arrived is unknown: the next one goes on with whatever session it has begun.
function unreachable(cause) {
  if (!(cause instanceof ConnectionLostError)) throw cause;
  throw new UploadSignatureError("The signature service could not be reached.", { temporary: true, cause });
}

function refusal(response, text) {
  const problem = jsonOf(response, "application/problem+json", text) ?? {
    status: response.status,
    title: response.statusText || "No reason given",
  };
  return new UploadSignatureError(problem.detail ?? problem.title, {
    problem,
    retryAfter: milliseconds(response.headers.get("Retry-After")),
    temporary: response.status === 429 || response.status >= 500,
  });
}

// A proxy's log-in page, handed to the SDK as a signature, would come back as "invalid request".
function checked(response, text) {
  const issued = jsonOf(response, "application/json", text);
  const { signature, uploadId } = issued ?? {};
  if (typeof signature !== "string" || !SIGNATURE.test(signature) || typeof uploadId !== "string") {
    throw new UploadSignatureError("The answer of the signature service is not an upload signature.");
  }
  return issued;
}

function jsonOf(response, mediaType, text) {
  const actual = (response.headers.get("Content-Type") ?? "").split(";")[0].trim().toLowerCase();
  if (actual !== mediaType) return null;
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

// Not crypto.randomUUID, which pages without HTTPS lack.
function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36)).join("-");
}

function milliseconds(retryAfter) {
  if (retryAfter === null) return null;
  const seconds = /^\d+$/.test(retryAfter)
    ? Number(retryAfter)
    : (Date.parse(retryAfter) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds * 1000) : null;
}

// Doubling from half a second, and half of it random, so that many pages do not come back together.
function backOff(attempt) {
  const ceiling = Math.min(500 * 2 ** (attempt - 1), LONGEST_WAIT);
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}
