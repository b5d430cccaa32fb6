// The page itself: puts the form, the list of uploads and the events together, in front of one stack.

import { showAppEvents } from "./app_events.js";
import { isStorageUsable } from "./browser_storage.js";
import { attempt } from "./connection.js";
import { newUploadForm } from "./new_upload_form.js";
import { rememberedUploads } from "./remembered_uploads.js";
import { heldLocks } from "./tab_lock.js";
import { showUpload } from "./upload_card.js";
import { lockName, Upload } from "./uploads.js";

const element = (id) => document.getElementById(id);
const uploads = new Set();

const form = newUploadForm({
  onUploads(wanted) {
    for (const { record, files } of wanted) {
      const upload = new Upload({ record, files, signIn });
      list(upload, "prepend").scrollIntoView({ block: "nearest" });
      upload.start();
    }
    announce(`Upload of ${wanted.map(({ record }) => record.media.name).join(", ")} started.`);
  },
});

// What an app's own log-in does; the stack gives a token to whoever asks.
async function signIn(user) {
  const { response, text } = await attempt(`/local/token?user=${encodeURIComponent(user)}`, {});
  if (response.ok) return text.trim();
  const title = `Nobody can sign in as “${user}”.`;
  throw Object.assign(new Error(title), { problem: { status: response.status, title } });
}

async function showStack() {
  const info = await fetch("/local/info")
    .then((response) => response.json())
    .catch(() => null);
  if (info) form.showPolicies(info.policyDetails);
  else element("policies").textContent = "The stack does not answer. Start it and reload this page.";
}

function list(upload, where) {
  uploads.add(upload);
  const onDismiss = () => {
    uploads.delete(upload);
    card.remove();
    element("no-uploads").hidden = uploads.size > 0;
    element("uploads").focus();
  };
  const card = showUpload(upload, { announce, onDismiss });
  element("upload-list")[where](card);
  element("no-uploads").hidden = true;
  return card;
}

async function listRememberedUploads() {
  const elsewhere = await heldLocks();
  for (const record of rememberedUploads()) {
    if (elsewhere.has(lockName(record.uploadId))) continue;
    const upload = new Upload({ record, signIn });
    list(upload, "append");
    if (record.committed) upload.follow();
  }
}

function announce(text) {
  element("announcer").textContent = text;
}

addEventListener("beforeunload", (event) => {
  if ([...uploads].some((upload) => upload.pausable)) event.preventDefault();
});

if (!globalThis.TcVod) form.showError("The Web SDK is not there: run `npm install` and reload this page.");
element("keeps-nothing").hidden = isStorageUsable();
showStack();
listRememberedUploads();
showAppEvents({
  list: element("event-list"),
  empty: element("no-events"),
  live: element("live"),
  template: element("event-template"),
});
document.documentElement.dataset.started = ""; // for too_old.js
