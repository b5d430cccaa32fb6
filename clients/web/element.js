// <vod-upload endpoint="…" policy="…" context="…" user="…" language="…" accept="video/*">: a file chooser and
// one row for each upload. Set its property `tokenProvider`; it dispatches "vod-uploaded" and "vod-failed",
// whose `detail` is the upload. Of the languages it loads the one that it shows.

import { createUploader } from "./index.js";
import { languageOf } from "./language.js";

// The element's own words, and those of failures. Written out, so that a bundler finds them.
const TEXTS = {
  en: () => [import("./element_texts/en.js"), import("./texts/en.js")],
  ko: () => [import("./element_texts/ko.js"), import("./texts/ko.js")],
  "zh-CN": () => [import("./element_texts/zh-CN.js"), import("./texts/zh-CN.js")],
};

const STYLE = `
  :host { display: block; font: inherit; }
  ul { list-style: none; padding: 0; }
  li { margin-block: 1em; overflow-wrap: anywhere; }
  progress { display: block; inline-size: 100%; }
  button, input { font: inherit; margin-inline-end: .5em; max-inline-size: 100%; }
`;

class VodUpload extends HTMLElement {
  #uploader;
  #words;
  #list = document.createElement("ul");

  // A method, and no field: an app may have set the property before this class was loaded.
  tokenProvider() {
    return Promise.reject(new TypeError("<vod-upload> has no tokenProvider."));
  }

  async connectedCallback() {
    if (this.shadowRoot) return;
    const root = this.attachShadow({ mode: "open" });
    const language = languageOf(this.getAttribute("language") ?? undefined);
    const [words, texts] = await Promise.all(TEXTS[language]());
    this.#words = words.default;
    const style = Object.assign(document.createElement("style"), { textContent: STYLE });
    const label = this.#fileInput(this.#text("choose"), true, (files) => {
      for (const file of files) this.#begin(file);
    });
    root.append(style, label, this.#list);
    this.#uploader = createUploader({
      endpoint: this.getAttribute("endpoint") ?? "",
      user: this.getAttribute("user") ?? "",
      texts: texts.default,
      tokenProvider: (options) => this.tokenProvider(options),
    });
    this.#showInterrupted();
  }

  #text(key, name = "") {
    return this.#words[key].replace("{name}", name);
  }

  async #showInterrupted() {
    for (const upload of await this.#uploader.interrupted()) this.#show(upload);
  }

  #begin(file) {
    const refusal = this.#uploader.refusal(file);
    if (refusal) {
      const row = Object.assign(document.createElement("li"), { textContent: refusal });
      row.setAttribute("role", "alert");
      this.#list.prepend(row);
      return;
    }
    const wish = ["policy", "context"].filter((name) => this.hasAttribute(name));
    const asked = Object.fromEntries(wish.map((name) => [name, this.getAttribute(name)]));
    this.#show(this.#uploader.upload(file, asked));
  }

  #show(upload) {
    const { name } = upload.record.media;
    const row = document.createElement("li");
    const status = Object.assign(document.createElement("span"), { role: "status" });
    const bar = document.createElement("progress");
    const alert = Object.assign(document.createElement("p"), { role: "alert" });
    const actions = {
      pause: this.#button("pause", name, () => upload.pause()),
      resume: this.#button("resume", name, () => upload.resume()),
      retry: this.#button("retry", name, () => upload.resume()),
      cancel: this.#button("cancel", name, () => upload.cancel()),
    };
    bar.setAttribute("aria-label", name);
    const again = this.#fileInput(this.#text("again", name), false, async ([media]) => {
      alert.textContent = await upload.continueWith({ media, cover: null });
    });
    row.append(`${name} `, status, bar, alert, again, ...Object.values(actions));
    this.#list.prepend(row);
    const show = () => {
      const { failure, stage } = upload;
      const words = this.#text(stage);
      if (status.textContent !== words) status.textContent = words; // announced once
      bar.value = stage === "settled" ? 1 : upload.fraction;
      alert.textContent = failure ? [failure.title, ...failure.reasons, failure.advice].join(" · ") : "";
      again.hidden = stage !== "interrupted";
      actions.pause.hidden = !upload.pausable;
      actions.resume.hidden = stage !== "paused";
      actions.retry.hidden = stage !== "failed" || !upload.resumable;
      actions.cancel.hidden = !upload.cancellable;
    };
    upload.addEventListener("change", show);
    show();
    const tell = (type) => () => this.dispatchEvent(new CustomEvent(type, { detail: upload, bubbles: true }));
    upload.done.then(tell("vod-uploaded"), tell("vod-failed"));
  }

  #button(key, name, onClick) {
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.textContent = this.#text(key, name);
    button.addEventListener("click", onClick);
    return button;
  }

  #fileInput(text, multiple, onFiles) {
    const label = Object.assign(document.createElement("label"), { textContent: `${text} ` });
    const input = Object.assign(document.createElement("input"), { type: "file", multiple });
    input.accept = this.getAttribute("accept") ?? "video/*,audio/*";
    input.addEventListener("change", () => {
      const files = [...input.files];
      input.value = "";
      if (files.length) onFiles(files);
    });
    label.append(input);
    return label;
  }
}

if (!customElements.get("vod-upload")) customElements.define("vod-upload", VodUpload);
