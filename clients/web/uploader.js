// The client of the functions: begins uploads, and finds those that a reload has cut off.
//
// `TcVod` is the vendor's Web SDK; index.js brings it, a page with a script tag gives its own.

import { sentence } from "./failures.js";
import { describeFile, rememberedUploads } from "./remembered_uploads.js";
import { heldLocks } from "./tab_lock.js";
import { lockName, Upload } from "./upload.js";
import { fileFault } from "./vod_names.js";

export function createUploader({ TcVod, tokenProvider, endpoint = "", user = "", texts }) {
  const client = {
    TcVod,
    endpoint: endpoint.replace(/\/+$/, ""),
    authorization: ({ renew = false } = {}) => tokenProvider({ renew, user }),
    texts,
  };

  // `wish` has the members of a request for a signature, such as policy and context.
  function upload(media, { cover = null, ...wish } = {}) {
    const request = { fileName: media.name, fileSize: media.size, ...wish };
    const record = { user, endpoint, request, media: describeFile(media), cover: describeFile(cover) };
    const begun = new Upload({ record, files: { media, cover }, client });
    begun.start();
    return begun;
  }

  // The uploads of this user that no other tab has; what VOD has the file of is followed to its end.
  async function interrupted() {
    const elsewhere = await heldLocks();
    const records = rememberedUploads().filter(
      (record) =>
        record.user === user && record.endpoint === endpoint && !elsewhere.has(lockName(record.uploadId)),
    );
    return records.map((record) => {
      const found = new Upload({ record, client });
      if (record.committed) found.follow();
      return found;
    });
  }

  // Why VOD cannot take this file, as a sentence in the uploader's texts; or null.
  function refusal(file) {
    const code = fileFault(file);
    return code && sentence(code, file.name, texts);
  }

  return { upload, interrupted, refusal };
}
