// The supported language that is nearest to a language tag.

// `ko` for `ko-KR`, `zh-CN` for `zh-Hans`; English if there is none, the browser's language by default.
export function languageOf(tag = globalThis.navigator?.language ?? "en") {
  const primary = tag.toLowerCase().split("-")[0];
  return primary === "zh" ? "zh-CN" : primary === "ko" ? "ko" : "en";
}
