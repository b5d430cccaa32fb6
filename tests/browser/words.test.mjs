// What the page says, without a browser: `node --test tests/browser/*.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ConnectionLostError } from "../../local/page/connection.js";
import {
  failureInWords,
  policyInWords,
  renamedInWords,
  sizeInWords,
  timeInWords,
} from "../../local/page/words.js";

for (const [bytes, words] of [
  [0, "0 bytes"],
  [1023, "1023 bytes"],
  [1024, "1.0 KB"],
  [62_914_560, "60.0 MB"],
  [5 * 1024 ** 4, "5.0 TB"],
  [2000 * 1024 ** 4, "2000 TB"],
]) {
  test(`${bytes} bytes are ${words}`, () => assert.equal(sizeInWords(bytes), words));
}

for (const [seconds, words] of [
  [0.2, "less than a second"],
  [1, "1 second"],
  [89.5, "90 seconds"],
  [600, "10 minutes"],
  [3600 * 30, "30 hours"],
  [86_400 * 3, "3 days"],
]) {
  test(`${seconds} s are ${words}`, () => assert.equal(timeInWords(seconds), words));
}

test("a policy for phones says so first", () =>
  assert.deepEqual(policyInWords({ client: "mobile", ttlSeconds: 43_200 }).slice(0, 3), [
    "for Android, iOS and mini programs, which sign once",
    "each signature is valid once",
    "valid for 12 hours",
  ]));

test("a policy says what it allows", () => {
  assert.deepEqual(
    policyInWords({
      fileTypes: ["mp4"],
      maxFileSize: 10 * 1024 ** 2,
      maxDuration: 600,
      procedures: ["Long"],
    }),
    [
      "each signature is valid once",
      "valid for 10 minutes",
      "only mp4",
      "up to 10.0 MB",
      "up to 10 minutes long",
      "then the task flow Long",
    ],
  );
});

test("a name that is changed is said with its reason, and one that is kept is not", () => {
  const plain = { name: "film.mp4", size: 1 };
  assert.equal(renamedInWords({ media: plain, cover: null }), "");
  const words = renamedInWords({ media: plain, cover: { name: "10:30.png", size: 1 } });
  assert.match(words, /^At VOD the cover is called “10_30”, because a name there has none of /);
});

for (const [code, message, words] of [
  [10001, "ugc upload | invalid request", /could not read/],
  [10004, "ugc upload | invalid signature", /does not accept the signature/],
  [10010, "ugc upload | signature expired", /had expired/],
  [10011, "ugc upload | repeat signature", /had been used before/],
  [77, "something new", /failed/],
]) {
  test(`VOD's code ${code} is explained, shown, and can be tried again`, () => {
    const failure = failureInWords(Object.assign(new Error(message), { code }));
    assert.match(failure.title, words);
    assert.match(failure.reasons.join(), new RegExp(message.replace("|", "\\|")));
    assert.ok(failure.advice);
    assert.ok(!failure.over);
  });
}

for (const message of [
  "Network Error",
  "timeout of 5000ms exceeded",
  "cors error",
  "CORS blocked or network error",
  "Failed to fetch",
  "NetworkError when attempting to fetch resource.",
  "Load failed",
]) {
  test(`"${message}" is a lost connection`, () => {
    assert.equal(failureInWords(new Error(message)).network, true);
  });
}

test("a request that got no answer is a lost connection, whatever is said of it", () => {
  const cause = new ConnectionLostError("gone");
  assert.equal(failureInWords(new Error("No signature.", { cause })).network, true);
});

for (const mistake of [
  new TypeError("AbortSignal.timeout is not a function"),
  new TypeError("Cannot read properties of undefined (reading 'cors')"),
  new ReferenceError("TcVod is not defined"),
  new RangeError("Invalid array length: the network error table"),
]) {
  test(`"${mistake.message}" is a fault of the page and no lost connection`, () => {
    const failure = failureInWords(mistake);
    assert.equal(failure.network, undefined);
    assert.match(failure.title, /This page has a fault/);
    assert.match(failure.reasons.join(), new RegExp(mistake.message.slice(0, 20)));
  });
}

test("what storage says is shown", () => {
  const failure = failureInWords({ code: "AccessDenied", message: "Access Denied.", statusCode: 403 });
  assert.deepEqual(failure.reasons, ["The answer was: Access Denied."]);
});

test("a refusal names the fields by the words of the form, and is over", () => {
  const failure = failureInWords({
    problem: {
      status: 422,
      title: "A field is not acceptable",
      detail: "The policy 'strict' does not allow this.",
      errors: [
        { pointer: "/fileType", detail: "One of: mp4." },
        { pointer: "/other", detail: "Unknown." },
      ],
    },
  });
  assert.equal(failure.title, "The policy 'strict' does not allow this.");
  assert.deepEqual(failure.reasons, ["File type: One of: mp4.", "/other: Unknown."]);
  assert.equal(failure.over, true);
});

for (const [status, over] of [
  [401, false],
  [404, true],
  [409, true],
  [429, false],
  [503, false],
]) {
  test(`a ${status} ${over ? "ends the upload" : "can be tried again"}, and says what to do`, () => {
    const failure = failureInWords({ problem: { status, title: "Why" } });
    assert.equal(failure.over, over);
    assert.equal(failure.title, "Why");
    assert.ok(failure.advice);
  });
}
