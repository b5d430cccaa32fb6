// The entry: the client, with the Web SDK from its package.

import sdk from "vod-js-sdk-v6";
import { createUploader as createUploaderWith } from "./uploader.js";

// The SDK is CommonJS: some bundlers give its exports as the default, others the class itself.
const TcVod = sdk.default ?? sdk;

export function createUploader(options) {
  return createUploaderWith({ TcVod, ...options });
}

export { failureOf as explain } from "./failures.js";
export { startTransfer } from "./transfer.js";
export { createSignatureSource, UploadSignatureError } from "./upload_signature.js";
