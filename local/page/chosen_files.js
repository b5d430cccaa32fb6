// The files that were chosen and not yet sent: each with a picture, and a button that takes it off.

import { say } from "./language.js";
import { sizeInWords } from "./words.js";

const addresses = new WeakMap();

export function showChosenFiles({ list, files, takeOff }) {
  const present = new Map([...list.children].map((item) => [item.file, item]));
  for (const [file, item] of present) if (!files.includes(file)) release(item);
  list.replaceChildren(...files.map((file) => present.get(file) ?? itemOf(file, takeOff)));
  for (const item of list.children) {
    const button = item.querySelector("button");
    button.setAttribute("aria-label", say("file_remove", { name: item.file.name }));
  }
  list.hidden = files.length === 0;
}

function itemOf(file, takeOff) {
  const item = document.createElement("li");
  const picture = document.createElement("video");
  const text = document.createElement("span");
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
  const address = URL.createObjectURL(file);
  addresses.set(item, address);
  item.file = file;
  // The fragment has browsers show a picture from the first second; a file of 0 bytes has none.
  if (file.size) Object.assign(picture, { src: `${address}#t=0.5`, muted: true, preload: "metadata" });
  picture.tabIndex = -1;
  picture.setAttribute("aria-hidden", "true");
  text.textContent = `${file.name} · ${sizeInWords(file.size)}`;
  button.className = "quiet";
  button.addEventListener("click", () => takeOff(file));
  item.append(picture, text, button);
  return item;
}

function release(item) {
  URL.revokeObjectURL(addresses.get(item));
}
