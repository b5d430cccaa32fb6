// What went wrong, by code and in three languages: `node --test tests/browser/*.test.mjs`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ConnectionLostError } from "../../clients/web/connection.js";
import elementEn from "../../clients/web/element_texts/en.js";
import elementKo from "../../clients/web/element_texts/ko.js";
import elementZhCN from "../../clients/web/element_texts/zh-CN.js";
import { failureOf, sentence } from "../../clients/web/failures.js";
import en from "../../clients/web/texts/en.js";
import { LANGUAGES, languageOf, textsFor } from "../../clients/web/texts/index.js";

for (const [number, message, code] of [
  [10001, "ugc upload | invalid request", "vod_10001"],
  [10004, "ugc upload | invalid signature", "vod_10004"],
  [10010, "ugc upload | signature expired", "vod_10010"],
  [10011, "ugc upload | repeat signature", "signature_used"],
  [77, "something new", "failed"],
]) {
  test(`VOD's code ${number} is explained, shown, and can be tried again`, () => {
    const failure = failureOf(Object.assign(new Error(message), { code: number }), en);
    assert.equal(failure.code, code);
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
    assert.equal(failureOf(new Error(message)).network, true);
  });
}

test("a request that got no answer is a lost connection, whatever is said of it", () => {
  const cause = new ConnectionLostError("gone");
  assert.equal(failureOf(new Error("No signature.", { cause })).network, true);
});

for (const mistake of [
  new TypeError("AbortSignal.timeout is not a function"),
  new TypeError("Cannot read properties of undefined (reading 'cors')"),
  new ReferenceError("TcVod is not defined"),
  new RangeError("Invalid array length: the network error table"),
]) {
  test(`"${mistake.message}" is a fault of the page and no lost connection`, () => {
    const failure = failureOf(mistake);
    assert.equal(failure.network, undefined);
    assert.equal(failure.code, "fault");
    assert.match(failure.reasons.join(), new RegExp(mistake.message.slice(0, 20)));
  });
}

test("what storage says is shown", () => {
  const failure = failureOf({ code: "AccessDenied", message: "Access Denied.", statusCode: 403 });
  assert.deepEqual(failure.reasons, ["Access Denied."]);
});

test("a refusal says what the service says, names the fields, and is over", () => {
  const detail = "The policy 'strict' does not allow this.";
  const errors = [{ pointer: "/fileType", detail: "One of: mp4." }];
  const problem = { status: 422, title: "A field is not acceptable", detail, errors };
  const [english, korean] = [en, LANGUAGES.ko].map((texts) => failureOf({ problem }, texts));
  assert.deepEqual([english.title, english.reasons], [detail, ["/fileType: One of: mp4."]]);
  assert.deepEqual([korean.title, korean.reasons[0]], ["요청을 처리할 수 없습니다", detail]);
  assert.deepEqual([english.code, english.over, english.problem], ["invalid", true, problem]);
});

for (const [status, over] of [
  [401, false],
  [404, true],
  [409, true],
  [429, false],
  [503, false],
]) {
  test(`a ${status} ${over ? "ends the upload" : "can be tried again"}, and says what to do`, () => {
    const failure = failureOf({ problem: { status, title: "Why" } }, en);
    assert.equal(failure.over, over);
    assert.equal(failure.title, "Why");
    assert.ok(failure.advice);
  });
}

test("without texts, the words are what the service says, or the code", () => {
  assert.equal(failureOf({ problem: { status: 403, title: "No" } }).title, "No");
  assert.equal(failureOf(new Error("Network Error")).title, "connection_lost");
  assert.equal(sentence("file_empty", "film.mp4"), "file_empty: film.mp4");
});

test("every language has words for every code, and what to do about each failure", () => {
  const codes = Object.keys(en).sort();
  for (const texts of Object.values(LANGUAGES)) {
    assert.deepEqual(Object.keys(texts).sort(), codes);
    for (const [code, [title, advice]] of Object.entries(texts)) {
      assert.ok(title || texts === en, code);
      assert.ok(advice || !en[code][1], code);
      assert.equal(title?.includes("{name}") ?? false, en[code][0]?.includes("{name}") ?? false, code);
    }
  }
  for (const texts of [elementKo, elementZhCN]) {
    assert.deepEqual(Object.keys(texts), Object.keys(elementEn));
  }
});

for (const [tag, language] of [
  ["en-GB", "en"],
  ["ko-KR", "ko"],
  ["zh-Hans-SG", "zh-CN"],
  ["fr", "en"],
]) {
  test(`${tag} is answered in ${language}`, () => {
    assert.equal(languageOf(tag), language);
    assert.equal(textsFor(tag), LANGUAGES[language]);
  });
}
