import type { Upload, UploaderOptions } from "./index.js";

/** The element `<vod-upload>`, defined by importing this module. */
export interface VodUploadElement extends HTMLElement {
  tokenProvider: UploaderOptions["tokenProvider"];
}

declare global {
  interface HTMLElementTagNameMap {
    "vod-upload": VodUploadElement;
  }
  interface HTMLElementEventMap {
    "vod-uploaded": CustomEvent<Upload>;
    "vod-failed": CustomEvent<Upload>;
  }
}
