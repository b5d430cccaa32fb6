// Numbers, policies and reasons in the words the page shows. No state, no page.

import { nameAtVod, REFUSED_IN_WORDS } from "../../clients/web/vod_names.js";

const UNITS = ["bytes", "KB", "MB", "GB", "TB"];

export function sizeInWords(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

export function timeInWords(seconds) {
  if (seconds < 1) return "less than a second";
  if (seconds < 90) return count(Math.ceil(seconds), "second");
  if (seconds < 5400) return count(Math.round(seconds / 60), "minute");
  if (seconds < 172_800) return count(Math.round(seconds / 3600), "hour");
  return count(Math.round(seconds / 86_400), "day");
}

export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

// What a policy allows, as short phrases; the members are those of UPLOAD_POLICIES.
export function policyInWords(policy) {
  const phrases = [
    policy.oneTime === false
      ? "a signature may be used again until it expires"
      : "each signature is valid once",
    `valid for ${timeInWords(policy.ttlSeconds ?? 600)}`,
  ];
  if (policy.client === "mobile") phrases.unshift("for Android, iOS and mini programs, which sign once");
  if (policy.fileTypes?.length) phrases.push(`only ${policy.fileTypes.join(", ")}`);
  if (policy.maxFileSize) phrases.push(`up to ${sizeInWords(policy.maxFileSize)}`);
  if (policy.maxDuration) phrases.push(`up to ${timeInWords(policy.maxDuration)} long`);
  if (policy.procedures?.length) phrases.push(`then the task flow ${policy.procedures.join(" or ")}`);
  if (policy.storageRegions?.length === 1) phrases.push(`stored in ${policy.storageRegions[0]}`);
  return phrases;
}

// Which of an upload's files have another name at VOD, and why; empty if none has.
export function renamedInWords({ media, cover }) {
  const renamed = [
    ["the video", media],
    ["the cover", cover],
  ]
    .filter(([, file]) => file && nameAtVod(file.name).changed)
    .map(([what, file]) => `${what} is called “${nameAtVod(file.name).name}”`);
  return renamed.length
    ? `At VOD ${renamed.join(" and ")}, because a name there has none of ${REFUSED_IN_WORDS}`
    : "";
}

const FIELDS = {
  "/policy": "Policy",
  "/context": "Context",
  "/procedure": "Task flow",
  "/storageRegion": "Storage region",
  "/classId": "Category",
  "/fileName": "File name",
  "/fileSize": "File size",
  "/fileType": "File type",
  "/uploadId": "Upload",
};

// A reason of a failure, with the words of the form for the field that its JSON pointer names.
export function reasonInWords(reason) {
  const [, pointer, rest] = /^(\/\S*): (.*)$/s.exec(reason) ?? [];
  return FIELDS[pointer] ? `${FIELDS[pointer]}: ${rest}` : reason;
}
