// Requests to the app's own back end, and the one place that decides what a lost connection is.
//
// A request has an end in time, and one refused with 401 is repeated once with a fresh token.

const ANSWER_WITHIN = 10_000;

// What the transports of the SDK say when no answer came: axios, the SDK itself, the COS SDK; and
// `fetch`, under its S3 mode, in Chromium, Firefox and Safari.
const LOST =
  /^(network error|timeout of \d+ms exceeded|cors error|cors blocked or network error|failed to fetch.*|networkerror when attempting.*|load failed.*)$/i;

export class ConnectionLostError extends Error {
  name = "ConnectionLostError";
}

export function isConnectionLost(error) {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof ConnectionLostError) return true;
  }
  return LOST.test(error?.message ?? "");
}

// Returns { response, text }. `authorization` gives the token; after a 401 it is asked once more, with
// `{ renew: true }`. Raises ConnectionLostError, or the reason of `signal` if that ended the request.
export async function exchange(url, init, { authorization, fetch = globalThis.fetch.bind(globalThis) }) {
  const answer = await attempt(url, withToken(init, await authorization({ renew: false })), fetch);
  if (answer.response.status !== 401) return answer;
  return await attempt(url, withToken(init, await authorization({ renew: true })), fetch);
}

function withToken(init, token) {
  return { ...init, headers: { ...init.headers, Authorization: `Bearer ${token}` } };
}

// `fetch` rejects with a TypeError for a lost connection and for a wrong request alike. So the request
// is built once before, to fail on its own faults, and what `fetch` throws at once is not caught either.
export async function attempt(url, { signal, ...init }, fetch = globalThis.fetch.bind(globalThis)) {
  const deadline = new AbortController(); // AbortSignal.timeout is too new for Safari 15
  const end = () => deadline.abort();
  const timer = setTimeout(end, ANSWER_WITHIN);
  signal?.addEventListener("abort", end);
  if (signal?.aborted) end();
  try {
    const request = { cache: "no-store", ...init, signal: deadline.signal };
    new Request(url, request);
    const answered = fetch(url, request);
    const response = await answered.catch(lost);
    return { response, text: await response.text().catch(lost) };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }

  function lost(cause) {
    if (signal?.aborted || !(cause instanceof TypeError || cause?.name === "AbortError")) throw cause;
    throw new ConnectionLostError("The connection was lost.", { cause });
  }
}

// How often the connection has gone so far, where the browser says so.
let outages = 0;
globalThis.addEventListener?.("offline", () => {
  outages += 1;
});

export function countOutages() {
  return outages;
}

// Call back once when there is a connection again: at once if it has gone and come back since `before`.
export function whenOnline(before, callBack) {
  if (globalThis.navigator?.onLine !== false && outages > before) callBack();
  else globalThis.addEventListener?.("online", callBack, { once: true });
}
