// Numbers and failures in the words the page shows. No state, no page.

import { isConnectionLost } from "./connection.js";
import { nameAtVod, REFUSED_IN_WORDS } from "./vod_names.js";

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

// By status: what to do about it. The problem document itself says what happened.
const ADVICE = {
  400: "This is a fault of the page: please report it.",
  401: "Choose the user again to sign in anew, then try again.",
  403: "Choose another policy or another user.",
  404: "The service does not know this upload any more. Start over.",
  409: "This upload cannot go on in the state it is in. Start over.",
  413: "Shorten the context and start again.",
  422: "Change what is named here and start again.",
  429: "Too many requests for now. Wait a little and try again.",
};

// By VOD's own code (doc 266/33922, and the SDKs' own sources).
const VOD_CODES = {
  10001: {
    title: "VOD could not read the request",
    advice:
      "Mostly the upload signature is malformed or was signed for another application. Check the key pair.",
  },
  10004: {
    title: "VOD does not accept the signature",
    advice: "The key pair that signs is not one of this application. Check VOD_SECRET_ID and VOD_SECRET_KEY.",
  },
  10010: {
    title: "The upload signature had expired when it reached VOD",
    advice:
      "The policy's signatures live too short for this connection, or a clock is wrong. Try again, or choose a policy that is valid for longer.",
  },
};

// What a mistake in a program throws. A lost connection can be a TypeError too, and is asked for before.
const MISTAKES = [TypeError, ReferenceError, RangeError, SyntaxError];
const USED_SIGNATURE = /repeat|duplicate|one.?time|already used/i;

// { title, reasons, advice, network, over }: `over` when trying again with the same upload is pointless.
export function failureInWords(error) {
  const problem = error?.problem;
  const code = Number(error?.code ?? error?.error?.Code);
  const message = String(error?.message ?? error?.error?.Message ?? error ?? "");
  if (problem) return problemInWords(problem);
  if (VOD_CODES[code]) return { reasons: [`VOD says: ${message} (${code})`], ...VOD_CODES[code] };
  if (USED_SIGNATURE.test(message)) {
    return {
      title: "The signature had been used before",
      reasons: [`VOD says: ${message}`],
      advice: "A signature that is valid once needs a fresh one for every request. Try again.",
    };
  }
  if (isConnectionLost(error)) {
    const offline = globalThis.navigator?.onLine === false;
    return {
      title: "The connection was lost",
      reasons: offline ? ["This computer is offline."] : [],
      advice: offline
        ? "What is already there is kept for a day. The upload goes on by itself once there is a connection."
        : "What is already there is kept for a day. Check the connection and try again.",
      network: true,
    };
  }
  if (MISTAKES.some((type) => error instanceof type)) {
    return {
      title: "This page has a fault",
      reasons: [`The browser says: ${message}`],
      advice: "Please report it. With another browser, or a newer one, the upload may work.",
    };
  }
  return {
    title: "The upload failed",
    reasons: message ? [`The answer was: ${message}${Number.isNaN(code) ? "" : ` (${code})`}`] : [],
    advice: "Try again. If it fails again, the log of the service says more.",
  };
}

function problemInWords(problem) {
  const temporary = problem.status >= 500;
  const faults = (problem.errors ?? []).map(
    ({ pointer, detail }) => `${FIELDS[pointer] ?? pointer}: ${detail}`,
  );
  return {
    title: problem.detail ?? problem.title,
    reasons: faults,
    advice: temporary
      ? "The service cannot answer at the moment. Try again in a minute."
      : (ADVICE[problem.status] ?? "Start over."),
    over: !temporary && problem.status !== 401 && problem.status !== 429,
  };
}
