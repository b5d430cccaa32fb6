// The page itself: puts the form, the list of uploads and the events together, in front of one stack.

import { isStorageUsable } from "../../clients/web/browser_storage.js";
import { attempt } from "../../clients/web/connection.js";
import { rememberedUploads } from "../../clients/web/remembered_uploads.js";
import { textsFor } from "../../clients/web/texts/index.js";
import { createUploader } from "../../clients/web/uploader.js";
import { showAppEvents } from "./app_events.js";
import { showFaults } from "./fault_switches.js";
import { chooseLanguage, inEachLanguage, presentLanguage, say, TEXTS, translate } from "./language.js";
import { newUploadForm } from "./new_upload_form.js";
import { showTriggers } from "./trigger_buttons.js";
import { showUpload } from "./upload_card.js";

const element = (id) => document.getElementById(id);
const uploads = new Set();

inEachLanguage(() => {
  document.documentElement.lang = presentLanguage();
  translate(document);
});
listLanguages();

const form = newUploadForm({
  announce,
  onUploads(wanted) {
    for (const { user, media, wish, hasTaskFlow } of wanted) {
      const upload = uploaderOf(user).upload(media, wish);
      upload.record.hasTaskFlow = hasTaskFlow; // remembered with the rest, once the upload has an id
      list(upload, "prepend").scrollIntoView({ block: "nearest" });
    }
    announce(say("upload_started", { names: wanted.map(({ media }) => media.name).join(", ") }));
  },
});

// Anybody may sign in here, so there is a client for each user.
function uploaderOf(user) {
  const tokenProvider = () => signIn(user);
  const texts = textsFor(presentLanguage());
  return createUploader({ TcVod: globalThis.TcVod?.default, tokenProvider, user, texts });
}

// What an app's own log-in does; the stack gives a token to whoever asks.
async function signIn(user) {
  const { response, text } = await attempt(`/local/token?user=${encodeURIComponent(user)}`, {});
  if (response.ok) return text.trim();
  const title = say("no_sign_in", { user });
  throw Object.assign(new Error(title), { problem: { status: response.status, title } });
}

async function showStack() {
  const info = await fetch("/local/info")
    .then((response) => response.json())
    .catch(() => null);
  if (info) form.showPolicies(info.policyDetails);
  else element("policies").textContent = say("no_stack");
}

function list(upload, where) {
  uploads.add(upload);
  const onDismiss = () => {
    uploads.delete(upload);
    card.remove();
    element("no-uploads").hidden = uploads.size > 0;
    element("uploads").focus();
  };
  const card = showUpload(upload, { announce, onDismiss, onEvents: events.showOnly });
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

function listLanguages() {
  const names = Object.keys(TEXTS).map((tag) => [
    new Intl.DisplayNames(tag, { type: "language" }).of(tag),
    tag,
  ]);
  element("language").replaceChildren(...names.map((parts) => new Option(...parts)));
  element("language").value = presentLanguage();
  element("language").addEventListener("change", () => chooseLanguage(element("language").value));
}

function announce(text) {
  element("announcer").textContent = text;
}

addEventListener("beforeunload", (event) => {
  if ([...uploads].some((upload) => upload.pausable)) event.preventDefault();
});

const events = showAppEvents({
  list: element("event-list"),
  empty: element("no-events"),
  live: element("live"),
  search: element("event-search"),
  kind: element("event-kind"),
  template: element("event-template"),
  announce,
});
if (!globalThis.TcVod) form.showError("new-upload-title", say("no_sdk"));
element("keeps-nothing").hidden = isStorageUsable();
showStack();
listRememberedUploads();
showFaults({ switches: element("fault-switches"), error: element("faults-error") });
showTriggers({
  buttons: element("trigger-buttons"),
  every: element("trigger-every"),
  state: element("trigger-state"),
  events: element("trigger-events"),
  error: element("trigger-error"),
  whose: () => ({ user: element("user").value.trim(), context: element("context").value }),
  onEvents: events.showOnly,
});
document.documentElement.dataset.started = ""; // for too_old.js
