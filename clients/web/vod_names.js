// The names under which VOD keeps a file: what it cannot take is replaced.

// The SDK refuses these characters in a `mediaName`; nobody needs a control character in a cover's name.
const REFUSED = /[\\/:*?"<>|\p{Cc}]/gu;
export const REFUSED_IN_WORDS = String.raw`\ / : * ? " < > |`.replaceAll(" ", "\u00a0"); // on one line

// Returns the name without its type, as VOD keeps it beside the type. `changed` if it cannot be kept.
export function nameAtVod(fileName) {
  const { stem } = split(fileName);
  const name = stem.replace(REFUSED, "_") || "untitled";
  return { name, changed: name !== stem };
}

// The SDK takes a cover's name from its file alone. The copy refers to the same bytes.
export function coverAtVod(cover) {
  const { name, changed } = nameAtVod(cover.name);
  if (!changed) return cover;
  const { type, lastModified } = cover;
  return new File([cover], `${name}.${split(cover.name).extension}`, { type, lastModified });
}

// The code of texts.js for why VOD cannot take this file at all, or null.
export function fileFault({ name, size }) {
  if (size === 0) return "file_empty";
  return split(name).extension ? null : "file_no_type";
}

function split(fileName) {
  const dot = fileName.lastIndexOf(".");
  return dot < 0
    ? { stem: fileName, extension: "" }
    : { stem: fileName.slice(0, dot), extension: fileName.slice(dot + 1) };
}
