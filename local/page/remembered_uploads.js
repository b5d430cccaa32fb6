// What survives a reload: which uploads were under way, so that the same files can go on.
//
// The SDK keeps its own session key and storage keeps the finished parts; neither knows whose upload it
// was. This keeps the upload's id, the user and the choices beside them.

const STORE = "vod-upload-functions.uploads";
const SESSION_LIFE = 24 * 60 * 60 * 1000; // VOD keeps an interrupted upload for one day (doc 266/33921)

export function rememberedUploads(now = Date.now()) {
  const records = Object.values(readStore()).filter((record) => now - record.startedAt < SESSION_LIFE);
  return records.sort((a, b) => b.startedAt - a.startedAt);
}

export function rememberUpload(record) {
  writeStore({ ...readStore(), [record.uploadId]: record });
}

export function forgetUpload(uploadId) {
  const { [uploadId]: _gone, ...rest } = readStore();
  writeStore(rest);
}

export function describeFile(file) {
  return file ? { name: file.name, size: file.size } : null;
}

export function isSameFile(file, described) {
  return file?.name === described?.name && file?.size === described?.size;
}

// The SDK's own record of an interrupted upload is named after the files alone, not after the user or
// the upload. So it is dropped before a new upload of the same files begins, and put back where the SDK
// drops it although the parts are still there: after a lost connection.
export async function sdkSessionName(media, cover) {
  const files = [media, cover].filter(Boolean).map((file) => `${file.name}_${file.size};`);
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(files.join("")));
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `webugc_${hex}`;
}

export async function dropSdkSession(media, cover) {
  localStorage.removeItem(await sdkSessionName(media, cover));
}

export async function restoreSdkSession(media, cover, vodSessionKey) {
  if (vodSessionKey) localStorage.setItem(await sdkSessionName(media, cover), vodSessionKey);
}

function readStore() {
  try {
    return JSON.parse(localStorage.getItem(STORE)) ?? {};
  } catch {
    return {};
  }
}

function writeStore(records) {
  try {
    localStorage.setItem(STORE, JSON.stringify(records));
  } catch {
    // Storage full or forbidden: uploads work, only a reload forgets them.
  }
}
