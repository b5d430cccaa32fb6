// Causes and cures in English, by code.

export default {
  10001: [
    "VOD cannot use the request, and does not say why: a signature that cannot be read, a wrong member, or an upload that it does not know any more.",
    "Check the signature with `python -m local inspect`. If it is good, begin a new upload.",
  ],
  10004: [
    "The signature is not valid: it was made with another SecretKey, its values are not URL-encoded, its times are not whole seconds, or it lives longer than 90 days.",
    "Check it with `python -m local inspect`, with the SecretKey of the account whose application gets the file.",
  ],
  10010: [
    "The signature has expired.",
    "For Android, iOS and mini programs, give the policy a `ttlSeconds` that is longer than the longest transfer: they use one signature to the end. For the Web, check the clock of the server that signs.",
  ],
  10011: [
    "A one-time signature was used a second time. VOD's number for it is not documented.",
    "Give the SDK a function that gets a new signature at each call, and keep none.",
  ],
  1001: [
    "VOD refused the beginning of the upload (Apply), or could not be reached.",
    "The message has VOD's code, if VOD answered. If it did not, publish again.",
  ],
  1002: [
    "The answer to Apply cannot be used. On iOS this is also VOD's refusal.",
    "The message has VOD's code, if VOD answered. If it did not, publish again.",
  ],
  1003: [
    "The file could not be sent to the storage.",
    "Publish again with another signature of the same upload. What has been sent is kept for a day.",
  ],
  1004: ["The cover could not be sent to the storage.", "Check the cover, and publish again."],
  1005: [
    "No answer came to the end of the upload (Commit).",
    "Ask `GET /uploads/{uploadId}` first: VOD may have the file.",
  ],
  1006: [
    "VOD refused Commit, or its answer cannot be read.",
    "The message has VOD's code. With 10010 the signature expired during the transfer.",
  ],
  1007: [
    "The SDK is busy with another upload. In its older versions: the user has cancelled.",
    "Wait for the other upload to end.",
  ],
  1008: ["The file does not exist.", "Check the path before publishing."],
  1009: ["This upload is already under way.", "Wait for it to end, or cancel it first."],
  1010: ["The parameters are missing or wrong.", "Set the signature and the path of the file."],
  1011: ["The SecretId is wrong. The SDK does not use this code any more.", "Update the SDK."],
  1012: ["The signature is empty.", "Get one from `POST /signature` right before publishing."],
  1013: ["The path of the file is empty or wrong.", "Check the path before publishing."],
  1014: ["There is no file at this path.", "Check the path before publishing."],
  1015: [
    "The file's name is too long (more than 40 characters by the document, 200 bytes in the source) or has one of `/ : * ? \" < >`.",
    "Set `fileName`.",
  ],
  1016: ["There is no cover at this path.", "Check the path of the cover, or leave it out."],
  1017: ["The user has paused or cancelled the upload.", "Publish again to go on."],
  1018: [
    "The upload straight to VOD has failed. The SDK does not use this code any more.",
    "Update the SDK.",
  ],
  1019: ["The transfer by QUIC has failed, and the SDK goes on by HTTP.", "Nothing has to be done."],
  1020: [
    "The signature had expired before the upload began.",
    "Get one from `POST /signature` right before publishing.",
  ],
  AccessDenied: [
    "The storage refuses the request. Its credential may have expired, or be for another file.",
    "Go on with the same upload: a new Apply gets a new credential.",
  ],
  BadDigest: ["What arrived at the storage is not what was sent.", "Send it again."],
  EntityTooLarge: [
    "The file, or a part of it, is too large for the storage.",
    "Send it in more or smaller parts.",
  ],
  ExpiredToken: [
    "The temporary credential of the storage has expired.",
    "Go on with the same upload: a new Apply gets a new credential.",
  ],
  InvalidAccessKeyId: [
    "The storage does not know the credential.",
    "Begin a new upload, and use the credential of its Apply.",
  ],
  NoSuchUpload: [
    "The multipart upload does not exist any more: it was completed, or aborted.",
    "Ask `GET /uploads/{uploadId}`. If VOD does not have the file, begin a new upload.",
  ],
  RequestTimeTooSkewed: [
    "The time of the request is too far from that of the storage.",
    "Check the clock of the device, and go on with the same upload.",
  ],
  SignatureDoesNotMatch: [
    "The request to the storage was changed on its way, or signed with another credential.",
    "Look for a proxy or a program that changes requests. Sign with the credential of the last Apply.",
  ],
};
