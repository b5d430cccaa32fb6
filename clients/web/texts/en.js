// Failures in English, by code: [what happened, what to do]; `{name}` is the file's name.
// `null` takes what the service says, which is English.

export default {
  invalid: [null, "Change what is named here and start again."],
  unauthenticated: [null, "Sign in again, then try again."],
  forbidden: [null, "Choose another policy or another user."],
  not_found: [null, "The service does not know this upload any more. Start over."],
  conflict: [null, "This upload cannot go on in the state it is in. Start over."],
  too_large: [null, "Shorten the context and start again."],
  rate_limited: [null, "Too many requests for now. Wait a little and try again."],
  unavailable: [null, "The service cannot answer at the moment. Try again in a minute."],
  refused: [null, "Start over."],
  vod_10001: [
    "VOD could not read the request",
    "The app's upload signatures are malformed. Please report it.",
  ],
  vod_10004: [
    "VOD does not accept the signature",
    "The app signs with a key of another application. Please report it.",
  ],
  vod_10010: [
    "The upload signature had expired when it reached VOD",
    "The connection is slow or a clock is wrong. Try again, or choose a policy that is valid for longer.",
  ],
  signature_used: ["The signature had been used before", "Each request needs a fresh signature. Try again."],
  offline: [
    "The connection was lost: This computer is offline",
    "What was sent is kept for a day. The upload goes on by itself once there is a connection.",
  ],
  connection_lost: [
    "The connection was lost",
    "What was sent is kept for a day. Check the connection and try again.",
  ],
  fault: ["This page has a fault", "Please report it. Another or a newer browser may work."],
  failed: ["The upload failed", "Try again. If it fails again, please report it."],
  expired: ["This upload was left for too long and has expired", "Start over."],
  ended: ["This upload has ended", "Start over."],
  file_empty: ["{name} is empty: it has 0 bytes."],
  file_no_type: ["{name} has no type: its name has to end with one, such as .mp4 or .jpg."],
  other_file: ["Please choose {name} as it was: a file of another name or size is another upload."],
  no_cover: ["This upload had no cover."],
  other_tab: ["This upload goes on in another tab."],
};
