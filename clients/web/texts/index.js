// All languages, and the one that is nearest to a language tag.

import en from "./en.js";
import ko from "./ko.js";
import zhCN from "./zh-CN.js";

export const LANGUAGES = { en, ko, "zh-CN": zhCN };

// `ko` for `ko-KR`, `zh-CN` for `zh-Hans`; English if there is none, the browser's language by default.
export function languageOf(tag = globalThis.navigator?.language ?? "en") {
  const primary = tag.toLowerCase().split("-")[0];
  return primary === "zh" ? "zh-CN" : primary === "ko" ? "ko" : "en";
}

export function textsFor(tag) {
  return LANGUAGES[languageOf(tag)];
}
