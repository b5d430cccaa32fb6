// Verify and read the events of vod-upload-functions.
//
//   const events = new EventVerifier(process.env.WEBHOOK_SECRET);
//   app.post("/webhook", express.raw({ type: "application/json", limit: "2mb" }), (request, response) => {
//     const event = events.verify(request.body, request.headers);
//
// The body is the bytes of the request as they came: one that was parsed and written anew has another signature.

import { Webhook } from "standardwebhooks";

export class VerificationError extends Error {
  name = "VerificationError";
}

export class RawBodyError extends TypeError {
  name = "RawBodyError";
}

export class EventVerifier {
  #webhook;

  constructor(secret) {
    try {
      this.#webhook = new Webhook(secret);
    } catch {
      throw new TypeError("The secret must be whsec_ and Base64, as in APP_WEBHOOK_SECRETS.");
    }
  }

  verify(body, headers) {
    const text = typeof body === "string" ? body : textOf(body);
    let event;
    try {
      event = this.#webhook.verify(
        text,
        typeof headers.get === "function" ? Object.fromEntries(headers) : headers,
      );
    } catch (cause) {
      throw new VerificationError("The request has no valid signature.", { cause });
    }
    if (typeof event?.type !== "string") throw new VerificationError("The body is not an event.");
    return event;
  }
}

function textOf(body) {
  if (body instanceof Uint8Array) return new TextDecoder().decode(body);
  const kind = body === undefined ? "undefined" : body === null ? "null" : body.constructor?.name;
  throw new RawBodyError(
    `The signature is that of the request's bytes, and this body is ${kind}. In Express, give the route ` +
      `express.raw({ type: "application/json", limit: "2mb" }), before any express.json().`,
  );
}
