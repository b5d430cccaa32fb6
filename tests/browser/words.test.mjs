// What the page says, without a browser: `node --test tests/browser/*.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  policyInWords,
  reasonInWords,
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

test("the field of a reason has the words of the form, and any other reason stays", () => {
  assert.equal(reasonInWords("/fileType: One of: mp4."), "File type: One of: mp4.");
  assert.equal(reasonInWords("/other: Unknown."), "/other: Unknown.");
  assert.equal(reasonInWords("VOD: no"), "VOD: no");
});
