// The names under which VOD keeps a file.

import assert from "node:assert/strict";
import { test } from "node:test";

import { coverAtVod, fileFault, nameAtVod } from "../../clients/web/vod_names.js";

for (const [fileName, name, changed] of [
  ["lesson.mp4", "lesson", false],
  ["node.js.mp4", "node.js", false],
  ["영상 (1).MP4", "영상 (1)", false],
  ["Screencast from 2024-01-01 10:30:00.webm", "Screencast from 2024-01-01 10_30_00", true],
  ['What is "this"? a|b <c> *.mp4', "What is _this__ a_b _c_ _", true],
  ["tab\tand\u0085.mp4", "tab_and_", true],
  [".mp4", "untitled", true],
]) {
  test(`${JSON.stringify(fileName)} is called ${JSON.stringify(name)} at VOD`, () => {
    assert.deepEqual(nameAtVod(fileName), { name, changed });
  });
}

test("a cover whose name VOD cannot take is the same bytes under another name", async () => {
  const cover = new File(["picture"], "10:30?.png", { type: "image/png", lastModified: 7 });
  const copy = coverAtVod(cover);
  assert.deepEqual([copy.name, copy.type, copy.lastModified], ["10_30_.png", "image/png", 7]);
  assert.equal(await copy.text(), "picture");
});

test("a cover with a plain name is taken as it is", () => {
  const cover = new File(["picture"], "cover.png");
  assert.equal(coverAtVod(cover), cover);
});

for (const [file, fault] of [
  [{ name: "film.mp4", size: 1 }, null],
  [{ name: "film.mp4", size: 0 }, "file_empty"],
  [{ name: "README", size: 1 }, "file_no_type"],
  [{ name: "film.", size: 1 }, "file_no_type"],
]) {
  test(`${file.name} with ${file.size} bytes ${fault ? "is called what it is" : "can be uploaded"}`, () => {
    assert.equal(fileFault(file), fault);
  });
}
