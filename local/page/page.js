// The page itself: puts the form, the list of uploads and the events together, in front of one stack.

import { showAppEvents } from "./app_events.js";
import { newUploadForm } from "./new_upload_form.js";
import { isSameFile, rememberedUploads } from "./remembered_uploads.js";
import { showUpload } from "./upload_card.js";
import { lockName, Upload, uploadsHeldElsewhere } from "./uploads.js";

const element = (id) => document.getElementById(id);
const uploads = new Set();

const form = newUploadForm({
  refuse(media, cover) {
    // The SDK keeps its session by the files' names and sizes: two at once would become one.
    const twin = [...uploads].find(
      ({ underWay, record }) =>
        underWay && isSameFile(media, record.media) && isSameFile(cover, record.cover),
    );
    return twin ? `${media.name} is in the list and not finished: resume or cancel it there.` : null;
  },
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
  const response = await fetch(`/local/token?user=${encodeURIComponent(user)}`, { cache: "no-store" });
  if (response.ok) return (await response.text()).trim();
  const title = `Nobody can sign in as “${user}”.`;
  throw Object.assign(new Error(title), { problem: { status: response.status, title } });
}

async function showStack() {
  try {
    const response = await fetch("/local/info");
    const info = await response.json();
    form.showPolicies(info.policyDetails);
  } catch {
    element("policies").textContent = "The stack does not answer. Start it and reload this page.";
  }
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
  const elsewhere = await uploadsHeldElsewhere();
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
showStack();
listRememberedUploads();
showAppEvents({
  list: element("event-list"),
  empty: element("no-events"),
  live: element("live"),
  template: element("event-template"),
});
