// A page with nothing but a Web SDK of any version: `run` uploads the files of its two inputs.
//
// `token` and `request` go to /signature, or `uploadId` of an upload that goes on; `commitAs` is the id of
// another upload, whose signature Commit gets. `options` are those of the SDK's upload().

window.run = async ({ token, request, uploadId = null, commitAs = null, options }) => {
  const asked = [];

  function getSignature() {
    if (commitAs && window.uploader?.isSent) return ask({ uploadId: commitAs });
    return ask(uploadId ? { uploadId } : request);
  }

  async function ask(body) {
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    const answer = await fetch("/signature", { method: "POST", headers, body: JSON.stringify(body) });
    const issued = await answer.json();
    uploadId ??= issued.uploadId;
    window.uploadId = uploadId;
    asked.push(issued.signature);
    return issued.signature;
  }

  const [media] = document.querySelector("#media").files;
  const [cover] = document.querySelector("#cover").files;
  const client = new TcVod.default({ getSignature });
  const files = { ...(media && { mediaFile: media }), ...(cover && { coverFile: cover }) };
  window.uploader = client.upload({ ...files, ...options });
  window.uploader.on("media_upload", () => {
    window.uploader.isSent = true;
  });
  try {
    const done = await window.uploader.done();
    return { uploadId, asked, fileId: done.fileId, coverUrl: done.cover?.url };
  } catch (error) {
    return { uploadId, asked, error: error.code ?? error.error?.Code ?? error.message };
  }
};
