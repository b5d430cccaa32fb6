// What survives a reload: which uploads were under way, so that the same files can go on.
//
// One record for each upload, under its id: the user, the choices, and the session that VOD gave for it.

import { itemNames, readItem, removeItem, writeItem } from "./browser_storage.js";

const PREFIX = "vod-upload-functions.upload.";
const SESSION_LIFE = 24 * 60 * 60 * 1000; // VOD keeps an interrupted upload for one day (doc 266/33921)

export function rememberedUploads(now = Date.now()) {
  const records = itemNames(PREFIX).map(readItem).filter(Boolean);
  for (const { uploadId } of records.filter((record) => !isAlive(record, now))) forgetUpload(uploadId);
  return records.filter((record) => isAlive(record, now)).sort((a, b) => b.startedAt - a.startedAt);
}

export function rememberUpload(record) {
  writeItem(PREFIX + record.uploadId, record);
}

export function forgetUpload(uploadId) {
  removeItem(PREFIX + uploadId);
}

export function describeFile(file) {
  return file ? { name: file.name, size: file.size } : null;
}

export function isSameFile(file, described) {
  return file?.name === described?.name && file?.size === described?.size;
}

function isAlive(record, now) {
  return now - record.startedAt < SESSION_LIFE;
}
