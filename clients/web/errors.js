// The error catalogue: codes of VOD, of its mobile SDKs and of its storage, with cause and cure in three languages.
//
// It is for the developer of an app; the words for its users are in texts/. createUploader does not import it.

import en from "./error_texts/en.js";
import ko from "./error_texts/ko.js";
import zhCN from "./error_texts/zh-CN.js";
import { languageOf } from "./language.js";

export const ERROR_TEXTS = { en, ko, "zh-CN": zhCN };

const MOBILE_PAGE = "docs 1069/38042 and 266/33925";
const MOBILE_SOURCE = "LiteAVSDK/UGSV_Android, TVCConstants.java";
const STORAGE_PAGE = "doc 436/7730";
const mobile = (basis, source) => ({ from: "mobile", basis, source });
const storage = { from: "storage", basis: "documented", source: STORAGE_PAGE };
const documented = mobile("documented", MOBILE_PAGE);
const inSource = mobile("source", MOBILE_SOURCE);

// Who answers with a code, and how it is known: `documented` by the vendor, in the vendor's `source`, `reported`
// by users, or `assumed`: the number is that of the simulated VOD alone.
export const KNOWN_ERRORS = {
  10001: { from: "vod", basis: "reported", source: "tencentyun/vod-js-sdk-v6#5, tencentyun/vod-wx-sdk-v2#3" },
  10004: { from: "vod", basis: "source", source: "tencentyun/vod-js-sdk-v6, test/vod_reporter.test.ts" },
  10010: { from: "vod", basis: "source", source: "LiteAVSDK/UGSV_Android, TVCClient.java" },
  10011: { from: "vod", basis: "assumed", source: "doc 266/33922, tencentyun/vod-js-sdk-v6#7" },
  1001: documented,
  1002: documented,
  1003: documented,
  1004: documented,
  1005: documented,
  1006: documented,
  1007: documented,
  1008: documented,
  1009: documented,
  1010: documented,
  1011: documented,
  1012: documented,
  1013: documented,
  1014: documented,
  1015: documented,
  1016: documented,
  1017: inSource,
  1018: inSource,
  1019: inSource,
  1020: inSource,
  AccessDenied: storage,
  BadDigest: storage,
  EntityTooLarge: storage,
  ExpiredToken: storage,
  InvalidAccessKeyId: storage,
  NoSuchUpload: storage,
  RequestTimeTooSkewed: storage,
  SignatureDoesNotMatch: storage,
};

// The mobile SDKs put VOD's own code into their message: "10004|ugc upload | …", "ugc code:10004, …".
const CODE_IN_MESSAGE = /(?:^|ugc code:)(\d{5})\b/;

// Takes a code, or what an SDK has thrown or answered; null for what the catalogue does not have.
export function explainVodError(error, language) {
  const code = codeOf(error);
  if (code === null) return null;
  const [cause, cure] = ERROR_TEXTS[languageOf(language)][code];
  return { code, ...KNOWN_ERRORS[code], cause, cure };
}

function codeOf(error) {
  const message = String(error?.descMsg ?? error?.message ?? "");
  const candidates = [
    CODE_IN_MESSAGE.exec(message)?.[1],
    error?.retCode,
    error?.code,
    error?.error?.Code,
    error?.Code,
    error,
  ];
  const known = candidates.find(
    (code) => ["string", "number"].includes(typeof code) && Object.hasOwn(KNOWN_ERRORS, code),
  );
  return known === undefined ? null : String(known);
}
