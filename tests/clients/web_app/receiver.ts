// A receiver in strict TypeScript, which is compiled and not run.

import { type EventOf, EventVerifier } from "vod-upload-events";

const event = new EventVerifier("whsec_AAAA").verify(new Uint8Array(), new Headers());
if (event.type === "upload.completed") {
  const completed: EventOf<"upload.completed"> = event;
  console.log(completed.data.mediaUrl, event.data.breaches?.length);
}
// @ts-expect-error: not every event has a file
event.data.mediaUrl;
// @ts-expect-error: a body that was parsed is none
new EventVerifier("whsec_AAAA").verify({ id: "evt_1" }, {});
