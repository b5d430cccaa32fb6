// What the browser keeps for this origin, as JSON values by name, shared by all tabs.
//
// It can be absent (an Android WebView), forbidden (the name `localStorage` alone then throws), or full.
// Then nothing is found and nothing is kept, and nothing here throws.

export function readItem(name) {
  return attempt((storage) => JSON.parse(storage.getItem(name))) ?? null;
}

export function writeItem(name, value) {
  attempt((storage) => storage.setItem(name, JSON.stringify(value)));
}

export function removeItem(name) {
  attempt((storage) => storage.removeItem(name));
}

export function itemNames(prefix) {
  return attempt((storage) => Object.keys(storage).filter((name) => name.startsWith(prefix))) ?? [];
}

export function isStorageUsable() {
  const probe = "vod-upload-functions.probe";
  writeItem(probe, true);
  const isKept = readItem(probe) === true;
  removeItem(probe);
  return isKept;
}

function attempt(use) {
  try {
    return use(globalThis.localStorage);
  } catch {
    return null;
  }
}
