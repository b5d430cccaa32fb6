// The signature source without a browser: `node --test tests/browser/*.test.mjs`.
// `fetch` is a function that answers from a list, because what is tested is what we do with the answers.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";

import { ConnectionLostError, isConnectionLost } from "../../clients/web/connection.js";
import { startTransfer } from "../../clients/web/transfer.js";
import { createSignatureSource, UploadSignatureError } from "../../clients/web/upload_signature.js";

const SIGNATURE = `${"QUJD".repeat(20)}QQ==`;
const ISSUED = { signature: SIGNATURE, uploadId: "01JQ0000000000000000000000", expiresAt: 1, oneTime: true };

function answer(status, body, headers = {}) {
  const type = status < 300 ? "application/json" : "application/problem+json";
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return () => new Response(text, { status, headers: { "Content-Type": type, ...headers } });
}

function lostConnection() {
  throw new TypeError("fetch failed");
}

function service(...answers) {
  const requests = [];
  const waits = [];
  const tokens = [];
  return {
    requests,
    waits,
    tokens,
    source(options = {}) {
      return createSignatureSource({
        url: "https://app.example/signature",
        authorization: async () => `token ${tokens.push("asked")}`,
        request: { policy: "course", context: "lesson 3" },
        fetch: async (url, init) => {
          requests.push({ url, ...init, body: JSON.parse(init.body) });
          return (answers.length > 1 ? answers.shift() : answers[0])();
        },
        wait: async (milliseconds) => waits.push(milliseconds),
        ...options,
      });
    },
  };
}

test("the first call begins a session, each later one asks anew with its id alone", async () => {
  const { source, requests } = service(answer(200, ISSUED));
  const seen = [];
  const { getSignature } = source({ onUploadId: (uploadId) => seen.push(uploadId) });
  assert.equal(await getSignature(), SIGNATURE);
  await getSignature();
  await getSignature();
  assert.deepEqual(
    requests.map((request) => request.body),
    [{ policy: "course", context: "lesson 3" }, { uploadId: ISSUED.uploadId }, { uploadId: ISSUED.uploadId }],
  );
  assert.deepEqual(seen, [ISSUED.uploadId]);
});

test("a request is a POST of JSON, signed in anew each time and never cached", async () => {
  const { source, requests } = service(answer(200, ISSUED));
  const { getSignature } = source();
  await getSignature();
  await getSignature();
  assert.deepEqual(
    requests.map((request) => request.headers.Authorization),
    ["Bearer token 1", "Bearer token 2"],
  );
  assert.deepEqual([requests[0].method, requests[0].cache], ["POST", "no-store"]);
  assert.equal(requests[0].headers["Content-Type"], "application/json");
});

test("every attempt to begin carries one key of its own, and no renewal does", async () => {
  const { source, requests } = service(lostConnection, answer(200, ISSUED));
  const { getSignature } = source();
  await getSignature();
  await getSignature();
  await source().getSignature();
  const keys = requests.map((request) => request.headers["Idempotency-Key"]);
  assert.match(keys[0], /^"[0-9a-z-]{7,40}"$/);
  assert.deepEqual([keys[1], keys[2]], [keys[0], undefined]);
  assert.notEqual(keys[3], keys[0]);
});

test("two first calls at once begin one session", async () => {
  const { source, requests } = service(answer(200, ISSUED));
  const { getSignature } = source();
  await Promise.all([getSignature(), getSignature(), getSignature()]);
  assert.deepEqual(requests.map((request) => Boolean(request.body.uploadId)).sort(), [false, true, true]);
});

test("after a first call that failed, one that waited for it begins the session", async () => {
  const { source, requests } = service(answer(403, { status: 403, title: "No" }), answer(200, ISSUED));
  const upload = source();
  const [first, second] = await Promise.allSettled([upload.getSignature(), upload.getSignature()]);
  assert.equal(first.status, "rejected");
  assert.equal(second.value, SIGNATURE);
  assert.equal(upload.uploadId, ISSUED.uploadId);
  assert.equal(requests.length, 2);
});

test("a remembered upload goes on under its own id", async () => {
  const { source, requests } = service(answer(200, ISSUED));
  const upload = source({ uploadId: ISSUED.uploadId });
  await upload.getSignature();
  assert.deepEqual(requests[0].body, { uploadId: ISSUED.uploadId });
});

for (const [name, failure] of [
  ["a lost connection", lostConnection],
  ["a 503", answer(503, { status: 503, title: "Temporarily unavailable" })],
  ["a gateway's 502 page", answer(502, "<html>", { "Content-Type": "text/html" })],
]) {
  test(`${name} is tried again, after a longer wait each time`, async () => {
    const { source, waits } = service(failure, failure, answer(200, ISSUED));
    assert.equal(await source().getSignature(), SIGNATURE);
    assert.equal(waits.length, 2);
    assert.ok(250 <= waits[0] && waits[0] <= 500, `${waits[0]}`);
    assert.ok(500 <= waits[1] && waits[1] <= 1000, `${waits[1]}`);
  });
}

test("after five attempts the last failure is thrown", async () => {
  const { source, requests } = service(lostConnection);
  await assert.rejects(source().getSignature(), { name: "UploadSignatureError", problem: null });
  assert.equal(requests.length, 5);
});

test("a 429 waits as long as Retry-After says", async () => {
  const { source, waits } = service(
    answer(429, { status: 429, title: "Slow" }, { "Retry-After": "3" }),
    answer(200, ISSUED),
  );
  await source().getSignature();
  assert.deepEqual(waits, [3000]);
});

test("a 429 for longer than a user would wait is thrown at once", async () => {
  const { source, requests } = service(answer(429, { status: 429, title: "Slow" }, { "Retry-After": "600" }));
  await assert.rejects(source().getSignature(), (error) => error.retryAfter === 600_000);
  assert.equal(requests.length, 1);
});

test("a 401 is answered once with a token that is fresh, and then again thrown", async () => {
  const asked = [];
  const authorization = async ({ renew }) => `token ${asked.push(renew)}`;
  const accepted = service(answer(401, { status: 401, title: "Expired" }), answer(200, ISSUED));
  assert.equal(await accepted.source({ authorization }).getSignature(), SIGNATURE);
  assert.deepEqual(asked, [false, true]);
  assert.deepEqual(
    accepted.requests.map(({ headers }) => [headers.Authorization, headers["Idempotency-Key"]]),
    ["Bearer token 1", "Bearer token 2"].map((token) => [
      token,
      accepted.requests[0].headers["Idempotency-Key"],
    ]),
  );
  const refused = service(answer(401, { status: 401, title: "No" }));
  await assert.rejects(refused.source().getSignature(), (error) => error.problem.status === 401);
  assert.equal(refused.requests.length, 2);
});

test("an authorization that loses its own connection is asked again", async () => {
  const { source } = service(answer(200, ISSUED));
  let attempts = 0;
  const authorization = async () => {
    attempts += 1;
    if (attempts === 1) throw new ConnectionLostError("gone");
    return "token";
  };
  assert.equal(await source({ authorization }).getSignature(), SIGNATURE);
});

for (const [name, options] of [
  ["a token that no header can carry", { authorization: async () => "line\nbreak" }],
  ["an address that is none", { url: "https://" }],
  ["a fetch that is broken at once", { fetch: () => undefined.then() }],
  ["an authorization that is broken", { authorization: async () => undefined.token }],
]) {
  test(`${name} is a mistake: thrown as it is, and not tried again`, async () => {
    const { source, waits } = service(answer(200, ISSUED));
    await assert.rejects(source(options).getSignature(), (error) => {
      assert.ok(error instanceof TypeError);
      assert.equal(isConnectionLost(error), false);
      return true;
    });
    assert.deepEqual(waits, []);
  });
}

test("without AbortSignal.timeout a signature is got all the same", async () => {
  const { timeout } = AbortSignal;
  delete AbortSignal.timeout;
  try {
    assert.equal(await service(answer(200, ISSUED)).source().getSignature(), SIGNATURE);
  } finally {
    AbortSignal.timeout = timeout;
  }
});

for (const status of [400, 403, 404, 409, 413, 415, 422]) {
  test(`a ${status} is never tried again and carries its problem document`, async () => {
    const problem = {
      status,
      title: "No",
      detail: "Not so.",
      errors: [{ pointer: "/context", detail: "Too long." }],
    };
    const { source, requests } = service(answer(status, problem));
    await assert.rejects(source().getSignature(), (error) => {
      assert.ok(error instanceof UploadSignatureError);
      assert.deepEqual(error.problem, problem);
      assert.equal(error.message, "Not so.");
      return true;
    });
    assert.equal(requests.length, 1);
  });
}

for (const [name, reply] of [
  ["a log-in page", answer(200, "<html>Sign in</html>", { "Content-Type": "text/html" })],
  ["JSON of another type", answer(200, ISSUED, { "Content-Type": "text/plain" })],
  ["broken JSON", answer(200, '{"signature":')],
  ["null", answer(200, "null")],
  ["no signature", answer(200, { uploadId: ISSUED.uploadId })],
  ["a short signature", answer(200, { ...ISSUED, signature: "QUJD" })],
  ["a signature with line breaks", answer(200, { ...ISSUED, signature: `${SIGNATURE}\n` })],
  ["a signature that is no text", answer(200, { ...ISSUED, signature: { toString: 1 } })],
  ["no upload id", answer(200, { ...ISSUED, uploadId: undefined })],
]) {
  test(`${name} in the place of a signature is never handed to the SDK`, async () => {
    const { source, requests } = service(reply);
    await assert.rejects(source().getSignature(), UploadSignatureError);
    assert.equal(requests.length, 1);
  });
}

test("a Web SDK whose sessions cannot be kept apart is not used", () => {
  class OtherSdk {
    upload() {
      return {};
    }
  }
  const media = new File(["film"], "film.mp4");
  assert.throws(() => startTransfer({ TcVod: OtherSdk, media, getSignature }), /keeps its sessions/);

  function getSignature() {
    assert.fail("no signature is needed");
  }
});

test("the client but its element knows no document, and imports nothing but itself and the SDK", async () => {
  const folder = new URL("../../clients/web/", import.meta.url);
  const files = (await readdir(folder)).filter((name) => name.endsWith(".js") && name !== "element.js");
  for (const file of files) {
    const source = await readFile(new URL(file, folder), "utf8");
    const imported = [...source.matchAll(/from "(.+)"/g)].map(([, name]) => name);
    assert.deepEqual(
      imported.filter((name) => !/^(\.\/([a-z_]+\/)?[A-Za-z_-]+\.js|vod-js-sdk-v6)$/.test(name)),
      [],
    );
    assert.doesNotMatch(source, /\b(document|window)\./);
  }
});
