// The texts of the page: one table, complete in every language.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { languageOf } from "../../clients/web/texts/index.js";
import { say, TEXTS } from "../../local/page/language.js";

const FOLDER = new URL("../../local/page/", import.meta.url);
const HTML = readFileSync(new URL("index.html", FOLDER), "utf-8");
const CODE = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".js") && !name.startsWith("text_"))
  .map((name) => readFileSync(new URL(name, FOLDER), "utf-8"))
  .join("\n");
const IN_HTML = [...HTML.matchAll(/data-(?:text|label|example)="(\w+)"/g)].map((found) => found[1]);
const { en: ENGLISH, ...OTHERS } = TEXTS;
const placeholders = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]).sort();

for (const [language, texts] of Object.entries(OTHERS)) {
  test(`every text stands in ${language}, with the same placeholders`, () => {
    assert.deepEqual(Object.keys(texts).sort(), Object.keys(ENGLISH).sort());
    for (const key of Object.keys(ENGLISH)) {
      assert.deepEqual(placeholders(texts[key]), placeholders(ENGLISH[key]), key);
      assert.ok(texts[key].trim(), key);
    }
  });

  test(`no text of ${language} is the English one, but for names and patterns`, () => {
    const same = Object.keys(ENGLISH).filter((key) => texts[key] === ENGLISH[key]);
    assert.deepEqual(
      same.filter((key) => !["page_api", "action_of", "upload_said"].includes(key)),
      [],
    );
  });
}

test("every key of the page and of its code has a text", () => {
  const said = [...CODE.matchAll(/\bsay\(\s*"(\w+)"/g)].map((found) => found[1]);
  assert.deepEqual(
    [...IN_HTML, ...said].filter((key) => !(key in ENGLISH)),
    [],
  );
});

test("every text is used", () => {
  const stems = [...CODE.matchAll(/`(\w+_)\$\{/g)].map((found) => found[1]);
  const named = new Set([...IN_HTML, ...[...CODE.matchAll(/"(\w+)"/g)].map((found) => found[1])]);
  const members = new Set([...CODE.matchAll(/\b(\w+): /g)].map((found) => found[1]));
  const plural = (key) => key.endsWith("s") && named.has(key.slice(0, -1));
  const isUsed = (key) =>
    named.has(key) || members.has(key) || plural(key) || stems.some((stem) => key.startsWith(stem));
  assert.deepEqual(
    Object.keys(ENGLISH).filter((key) => !isUsed(key)),
    [],
  );
});

test("the words in the HTML, for browsers without modules, are the English texts", () => {
  const written = [...HTML.matchAll(/data-text="(\w+)"[^>]*>([^<]+)</g)];
  assert.ok(written.length > 0);
  for (const [, key, text] of written) assert.equal(text, ENGLISH[key]);
});

for (const [tag, language] of [
  ["ko-KR", "ko"],
  ["zh-Hans-CN", "zh-CN"],
  ["fr-FR", "en"],
]) {
  test(`a browser in ${tag} gets ${language}`, () => assert.equal(languageOf(tag), language));
}

test("a text takes its values, and a value that is missing leaves nothing", () => {
  assert.equal(say("upload_said", { name: "a.mp4", state: "ready" }), "a.mp4: ready.");
  assert.equal(say("files_chosen"), " videos");
});
