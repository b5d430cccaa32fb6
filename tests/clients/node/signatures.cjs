// Where a client's job gets its upload signatures: from /signature of the stack, or from a list.
//
// `{ url, token, request }`: the first call sends `request`, later ones the upload's id, as an app does.
// `{ strings }`: each call takes the next one, and the last one again and again.
"use strict";

function createSignatures({ url, token, request, uploadId = null, strings = null }) {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const source = { uploadId, asked: 0, next };

  async function next() {
    source.asked += 1;
    if (strings) return strings[Math.min(source.asked, strings.length) - 1];
    const body = JSON.stringify(source.uploadId ? { uploadId: source.uploadId } : request);
    const answer = await fetch(url, { method: "POST", headers, body });
    if (!answer.ok) throw new Error(`the signature service answered ${answer.status}`);
    const issued = await answer.json();
    source.uploadId = issued.uploadId;
    return issued.signature;
  }

  return source;
}

module.exports = { createSignatures };
