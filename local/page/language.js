// The language of the page and its texts: by the browser's wishes, or as chosen on the page.

import { languageOf } from "../../clients/web/texts/index.js";
import { EN } from "./text_en.js";
import { KO } from "./text_ko.js";
import { ZH_CN } from "./text_zh_cn.js";

export const TEXTS = { en: EN, ko: KO, "zh-CN": ZH_CN };
const KEPT = "vuf.language";
const changes = new EventTarget();
let language = keptLanguage() ?? languageOf();

// The text of a key; `{name}` in it is replaced by values.name.
export function say(key, values = {}) {
  return TEXTS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export function presentLanguage() {
  return language;
}

// `show` runs now, and again whenever another language is chosen.
export function inEachLanguage(show) {
  changes.addEventListener("change", show);
  show();
}

export function chooseLanguage(tag) {
  language = tag;
  try {
    localStorage.setItem(KEPT, tag);
  } catch {
    // A browser that keeps nothing for this page: the choice holds until the page is left.
  }
  changes.dispatchEvent(new Event("change"));
}

// Each element with data-text gets its text, with data-label its accessible name, with data-example its
// placeholder; a template's content too, so that its copies begin in the present language.
export function translate(root) {
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", say(element.dataset.label));
  }
  for (const element of root.querySelectorAll("[data-example]")) {
    element.placeholder = say(element.dataset.example);
  }
  for (const template of root.querySelectorAll("template")) translate(template.content);
}

function keptLanguage() {
  try {
    const kept = localStorage.getItem(KEPT);
    return kept in TEXTS ? kept : null;
  } catch {
    return null;
  }
}
