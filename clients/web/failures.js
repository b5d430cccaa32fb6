// What went wrong with an upload: a code, the words for it, and whether trying again makes sense.

import { isConnectionLost } from "./connection.js";

const BY_STATUS = {
  400: "fault",
  401: "unauthenticated",
  403: "forbidden",
  404: "not_found",
  409: "conflict",
  413: "too_large",
  415: "fault",
  422: "invalid",
  429: "rate_limited",
};
const BY_VOD_CODE = { 10001: "vod_10001", 10004: "vod_10004", 10010: "vod_10010" };
const MAY_PASS = ["unauthenticated", "rate_limited", "unavailable"];

// What a mistake in a program throws. A lost connection can be a TypeError too, and is asked for before.
const MISTAKES = [TypeError, ReferenceError, RangeError, SyntaxError];
const USED_SIGNATURE = /repeat|duplicate|one.?time|already used/i;

// { code, title, reasons, advice, network, over, problem, cause }: `over` when trying again with the same
// upload is pointless, `network` when it can go on once there is a connection, `problem` the service's
// problem document (RFC 9457). `reasons` are the answers that were given, as they were given. `texts` is a language of
// texts/; without one, the words are what the service says, or the code.
export function failureOf(error, texts) {
  const { problem } = error ?? {};
  const number = Number(error?.code ?? error?.error?.Code);
  const message = String(error?.message ?? error?.error?.Message ?? error ?? "");
  if (problem) return ofProblem(problem, error, texts);
  if (BY_VOD_CODE[number]) return inWords(BY_VOD_CODE[number], `VOD: ${message} (${number})`);
  if (USED_SIGNATURE.test(message)) return inWords("signature_used", `VOD: ${message}`);
  if (isConnectionLost(error)) {
    const code = globalThis.navigator?.onLine === false ? "offline" : "connection_lost";
    return { ...inWords(code), network: true };
  }
  if (MISTAKES.some((type) => error instanceof type)) return inWords("fault", message);
  return inWords("failed", `${message}${Number.isNaN(number) ? "" : ` (${number})`}`);

  function inWords(code, ...reasons) {
    return { ...failure(code, texts, { reasons: reasons.filter(Boolean) }), cause: error };
  }
}

export function failure(code, texts, { reasons = [], over = false, said = "" } = {}) {
  const [title, advice = ""] = texts?.[code] ?? [];
  return {
    code,
    title: title ?? (said || code),
    reasons: title && said ? [said, ...reasons] : reasons,
    advice,
    over,
  };
}

// The sentence for a code about a file.
export function sentence(code, name, texts) {
  return (texts?.[code]?.[0] ?? `${code}: {name}`).replace("{name}", name);
}

function ofProblem(problem, cause, texts) {
  const code = problem.status >= 500 ? "unavailable" : (BY_STATUS[problem.status] ?? "refused");
  const reasons = (problem.errors ?? []).map(({ pointer, detail }) => `${pointer}: ${detail}`);
  const said = problem.detail ?? problem.title;
  return { ...failure(code, texts, { reasons, said, over: !MAY_PASS.includes(code) }), problem, cause };
}
