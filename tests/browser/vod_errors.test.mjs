// The error catalogue: complete in three languages, equal to its page, found by code and by what SDKs say.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { ERROR_TEXTS, explainVodError, KNOWN_ERRORS } from "../../clients/web/errors.js";

const PAGE = readFileSync(new URL("../../docs/vod-errors.md", import.meta.url), "utf-8");
const ROW = /^\| `(\w+)` \| (.+?) \| (.+?) \| (\w+): (.+?) \|$/gm;
const codes = Object.keys(KNOWN_ERRORS).sort();

for (const [language, texts] of Object.entries(ERROR_TEXTS)) {
  test(`every code has a cause and a cure in ${language}`, () => {
    assert.deepEqual(Object.keys(texts).sort(), codes);
    for (const code of codes) for (const text of texts[code]) assert.ok(text.trim(), code);
  });
}

test("the page has the same codes, words and sources", () => {
  const rows = [...PAGE.matchAll(ROW)].map(([, ...cells]) => cells);
  const known = codes.map((code) => {
    const { basis, source, cause, cure } = explainVodError(code, "en");
    return [code, cause, cure, basis, source];
  });
  assert.deepEqual(rows.sort(), known.sort());
});

for (const [what, error, code] of [
  ["a number", 10004, "10004"],
  [
    "an error of the Web SDK",
    Object.assign(new Error("ugc upload | signature expired"), { code: 10010 }),
    "10010",
  ],
  [
    "an answer of Android with VOD's code",
    { retCode: 1001, descMsg: "10004|ugc upload | invalid signature" },
    "10004",
  ],
  [
    "an answer of iOS with VOD's code",
    { retCode: 1002, descMsg: "ugc code:10011, ugc desc:repeat" },
    "10011",
  ],
  ["an answer without one", { retCode: 1003, descMsg: "cos upload video error: timeout" }, "1003"],
  [
    "an error of the storage",
    { statusCode: 403, error: { Code: "RequestTimeTooSkewed" } },
    "RequestTimeTooSkewed",
  ],
  ["the code of a rejection in React Native", Object.assign(new Error("paused"), { code: "1017" }), "1017"],
]) {
  test(`${what} is found`, () => assert.equal(explainVodError(error).code, code));
}

for (const unknown of [77, "toString", new Error("12345678"), null, undefined, {}]) {
  test(`${unknown} is not in the catalogue`, () => assert.equal(explainVodError(unknown), null));
}

test("a language is chosen, and what is assumed says so", () => {
  const { cause, basis, from } = explainVodError(10011, "ko-KR");
  assert.equal(cause, ERROR_TEXTS.ko[10011][0]);
  assert.deepEqual([basis, from], ["assumed", "vod"]);
});
