import type { components } from "./app_event.js";

type Schemas = components["schemas"];

/** One event; `type` tells which. A type that is not listed can come: take it as one that you do not handle. */
export type AppEvent = Schemas["AppEvent"];
export type EventOf<Type extends AppEvent["type"]> = Extract<AppEvent, { type: Type }>;

/** The request is not one of the functions', or is older than five minutes: answer 401. */
export declare class VerificationError extends Error {}

/** The body is not the bytes of the request: a mistake in the receiver, whatever the request is. */
export declare class RawBodyError extends TypeError {}

export declare class EventVerifier {
  /** The secret as in APP_WEBHOOK_SECRETS, with its `whsec_`; one, while the functions sign with two. */
  constructor(secret: string);

  /**
   * The event, if a header has its signature.
   *
   * `body`: a Buffer or the text of the request as it came. `headers`: those of Node, Express or `fetch`.
   * Throws VerificationError or RawBodyError.
   */
  verify(
    body: Uint8Array | string,
    headers: Readonly<Record<string, string | string[] | undefined>> | Iterable<[string, string]>,
  ): AppEvent;
}
