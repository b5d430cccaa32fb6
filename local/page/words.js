// Numbers, policies and reasons in the words of the page's language.

import { nameAtVod, REFUSED_IN_WORDS } from "../../clients/web/vod_names.js";
import { say } from "./language.js";

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
  if (seconds < 1) return say("moment");
  if (seconds < 90) return count(Math.ceil(seconds), "second");
  if (seconds < 5400) return count(Math.round(seconds / 60), "minute");
  if (seconds < 172_800) return count(Math.round(seconds / 3600), "hour");
  return count(Math.round(seconds / 86_400), "day");
}

function count(number, unit) {
  return say(number === 1 ? unit : `${unit}s`, { count: number });
}

// What a policy allows, as short phrases; the members are those of UPLOAD_POLICIES.
export function policyInWords(policy) {
  const phrases = [
    say(policy.oneTime === false ? "policy_reusable" : "policy_once"),
    say("policy_life", { time: timeInWords(policy.ttlSeconds ?? 600) }),
  ];
  const { fileTypes, maxFileSize, maxDuration, procedures, storageRegions } = policy;
  if (policy.client === "mobile") phrases.unshift(say("policy_mobile"));
  if (fileTypes?.length) phrases.push(say("policy_types", { types: fileTypes.join(", ") }));
  if (maxFileSize) phrases.push(say("policy_size", { size: sizeInWords(maxFileSize) }));
  if (maxDuration) phrases.push(say("policy_duration", { time: timeInWords(maxDuration) }));
  if (procedures?.length) {
    phrases.push(say("policy_procedures", { names: procedures.join(` ${say("or")} `) }));
  }
  if (storageRegions?.length === 1) phrases.push(say("policy_region", { region: storageRegions[0] }));
  return phrases;
}

// Why a policy does not take a file, before anything is sent; empty if it does. The service decides.
export function refusalInWords(file, name, policy) {
  const { fileTypes = [], maxFileSize } = policy;
  const type = file.name.split(".").pop().toLowerCase();
  if (fileTypes.length && !fileTypes.includes(type)) {
    return say("wrong_type", { name: file.name, policy: name, types: fileTypes.join(", ") });
  }
  if (maxFileSize && file.size > maxFileSize) {
    const most = sizeInWords(maxFileSize);
    return say("too_large", { name: file.name, size: sizeInWords(file.size), policy: name, most });
  }
  return "";
}

// Which of an upload's files have another name at VOD, and why; empty if none has.
export function renamedInWords({ media, cover }) {
  const files = Object.entries({ renamed_video: media, renamed_cover: cover })
    .filter(([, file]) => file && nameAtVod(file.name).changed)
    .map(([key, file]) => say(key, { name: nameAtVod(file.name).name }))
    .join(` ${say("and")} `);
  return files && say("renamed", { files, refused: REFUSED_IN_WORDS });
}

const FIELDS = {
  "/policy": "policy",
  "/context": "context",
  "/procedure": "task_flow",
  "/storageRegion": "storage_region",
  "/classId": "category",
  "/fileName": "file_name",
  "/fileSize": "file_size",
  "/fileType": "file_type",
  "/uploadId": "upload",
};

// A reason of a failure, with the words of the form for the field that its JSON pointer names.
export function reasonInWords(reason) {
  const [, pointer, rest] = /^(\/\S*): (.*)$/s.exec(reason) ?? [];
  return FIELDS[pointer] ? `${say(FIELDS[pointer])}: ${rest}` : reason;
}
