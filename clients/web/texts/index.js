// The words of failures in all languages.

import { languageOf } from "../language.js";
import en from "./en.js";
import ko from "./ko.js";
import zhCN from "./zh-CN.js";

export { languageOf };
export const LANGUAGES = { en, ko, "zh-CN": zhCN };

export function textsFor(tag) {
  return LANGUAGES[languageOf(tag)];
}
