// The page itself: puts the form, the list of uploads and the events together, in front of one stack.

import { isStorageUsable } from "../../clients/web/browser_storage.js";
import { attempt } from "../../clients/web/connection.js";
import { rememberedUploads } from "../../clients/web/remembered_uploads.js";
import en from "../../clients/web/texts/en.js";
import { createUploader } from "../../clients/web/uploader.js";
import { showAppEvents } from "./app_events.js";
import { newUploadForm } from "./new_upload_form.js";
import { showUpload } from "./upload_card.js";

const element = (id) => document.getElementById(id);
const uploads = new Set();

const form = newUploadForm({
  onUploads(wanted) {
    for (const { user, media, wish, hasTaskFlow } of wanted) {
      const upload = uploaderOf(user).upload(media, wish);
      upload.record.hasTaskFlow = hasTaskFlow; // remembered with the rest, once the upload has an id
      list(upload, "prepend").scrollIntoView({ block: "nearest" });
    }
    announce(`Upload of ${wanted.map(({ media }) => media.name).join(", ")} started.`);
  },
});

// Anybody may sign in here, so there is a client for each user.
function uploaderOf(user) {
  const tokenProvider = () => signIn(user);
  return createUploader({ TcVod: globalThis.TcVod?.default, tokenProvider, user, texts: en });
}

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
  const users = new Set(rememberedUploads().map(({ user }) => user));
  const found = await Promise.all([...users].map((user) => uploaderOf(user).interrupted()));
  const newestFirst = found.flat().sort((a, b) => b.record.startedAt - a.record.startedAt);
  for (const upload of newestFirst) list(upload, "append");
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
