// The form for a new upload: which files, by whom, under which policy, with which context.

import { sentence } from "../../clients/web/failures.js";
import en from "../../clients/web/texts/en.js";
import { fileFault } from "../../clients/web/vod_names.js";
import { count, policyInWords, sizeInWords } from "./words.js";

const USER = /^[a-z0-9_.-]{1,64}$/;
const element = (id) => document.getElementById(id);

export function newUploadForm({ onUploads }) {
  let chosen = { media: [], cover: null };
  let policies = {};

  function showPolicies(details) {
    policies = details;
    element("policies").replaceChildren(...Object.entries(policies).map(policyOption));
    showChoices();
  }

  function chosenPolicy() {
    return element("new-upload").elements.policy?.value ?? "default";
  }

  function showChoices() {
    const policy = policies[chosenPolicy()] ?? {};
    showChoice("procedure", policy.procedures ?? []);
    showChoice("region", policy.storageRegions ?? []);
  }

  function choose(files) {
    const images = files.filter((file) => file.type.startsWith("image/"));
    const media = files.filter((file) => !file.type.startsWith("image/"));
    if (media.length) chosen.media = media;
    if (images.length) chosen.cover = images[0];
    showChosen();
  }

  function chooseCover(file) {
    chosen.cover = file;
    showChosen();
  }

  function showChosen() {
    const { media, cover } = chosen;
    const total = media.reduce((sum, file) => sum + file.size, 0);
    const names = media.length > 1 ? count(media.length, "video") : media[0]?.name;
    element("drop").classList.toggle("has-file", media.length > 0);
    element("media-name").textContent = names ?? "Choose a video";
    element("media-hint").textContent = media.length
      ? `${sizeInWords(total)} · choose another`
      : "or drop it here, with or without a cover";
    element("cover-name").textContent = cover?.name ?? "Cover";
    element("cover-remove").hidden = !cover;
    showPreview(cover);
    element("start").textContent = media.length > 1 ? `Upload ${media.length} videos` : "Upload";
    showError("");
  }

  // The first thing that is missing: the field's id and a sentence. Null when all is there.
  function fault() {
    const { media, cover } = chosen;
    if (!media.length) return ["media", "Choose a video first."];
    if (!USER.test(element("user").value)) {
      return ["user", "A user’s name has 1 to 64 characters out of a–z, 0–9, dot, dash and underscore."];
    }
    if (cover && media.length > 1) {
      return ["cover", "A cover belongs to one video. Remove it, or choose one video."];
    }
    const refused = media.find(fileFault);
    if (refused) return ["media", sentence(fileFault(refused), refused.name, en)];
    return cover && fileFault(cover) ? ["cover", sentence(fileFault(cover), cover.name, en)] : null;
  }

  function submit() {
    const found = fault();
    if (found) {
      showError(found[1]);
      element(found[0]).focus();
      return;
    }
    const { media, cover } = chosen;
    onUploads(media.map((file) => wanted(file, cover)));
    chosen = { media: [], cover: null };
    element("media").value = "";
    element("cover").value = "";
    showChosen();
  }

  function wanted(media, cover) {
    const choices = {
      policy: chosenPolicy(),
      context: element("context").value,
      procedure: element("procedure").value,
      storageRegion: element("region").value,
    };
    // What is empty is not asked for: the policy's own value holds.
    const chosenOnes = Object.fromEntries(Object.entries(choices).filter(([, value]) => value !== ""));
    const hasTaskFlow = Boolean(policies[choices.policy]?.procedures?.length);
    return { user: element("user").value, media, wish: { ...chosenOnes, cover }, hasTaskFlow };
  }

  element("new-upload").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  element("policies").addEventListener("change", showChoices);
  element("context").addEventListener("input", showRoom);
  element("user").addEventListener("input", showRoom);
  element("media").addEventListener("change", (event) => choose([...event.target.files]));
  element("cover").addEventListener("change", (event) => chooseCover(event.target.files[0] ?? null));
  element("cover-remove").addEventListener("click", () => {
    element("cover").value = "";
    chooseCover(null);
    element("cover").focus();
  });
  takeDroppedFiles(choose);
  showRoom();
  return { showPolicies, showError };
}

function policyOption([name, policy], index) {
  const once = policy.oneTime !== false;
  const label = make("label", { className: "policy" });
  label.append(
    make("input", { type: "radio", name: "policy", value: name, checked: index === 0 }),
    make("span", { className: "policy-name", textContent: name }),
    make("span", { className: "badge", textContent: once ? "one-time" : "reusable" }),
    make("span", { className: "policy-details", textContent: policyInWords(policy).join(" · ") }),
  );
  return label;
}

// A policy's first entry is what it takes when nothing is asked for; one entry leaves nothing to choose.
function showChoice(id, values) {
  element(`${id}-field`).hidden = values.length < 2;
  element(id).replaceChildren(...values.map((value, index) => new Option(value, index === 0 ? "" : value)));
}

// The sealed context has 250 characters for the upload's id, the user and this text together. Text that
// compresses well takes less: the service decides, this only warns.
function showRoom() {
  const bytes = (text) => new TextEncoder().encode(JSON.stringify(text)).length - 2;
  const room = Math.max(0, 114 - bytes(element("user").value));
  const used = bytes(element("context").value);
  const over = used > room;
  element("context-room").textContent = over
    ? `${used} of about ${room} bytes: probably too long, the service will say.`
    : `Comes back in the event. ${used} of about ${room} bytes.`;
  element("context-room").classList.toggle("warning", over);
}

function showPreview(cover) {
  const preview = element("cover-preview");
  if (preview.src) URL.revokeObjectURL(preview.src);
  preview.hidden = !cover;
  if (cover) preview.src = URL.createObjectURL(cover);
  else preview.removeAttribute("src");
}

function showError(text) {
  element("form-error").textContent = text;
  element("form-error").hidden = !text;
}

// The whole window takes files, because one dropped beside the zone would replace the page.
function takeDroppedFiles(choose) {
  const drop = element("drop");
  for (const type of ["dragenter", "dragover"]) {
    addEventListener(type, (event) => {
      event.preventDefault();
      drop.classList.add("dragging");
    });
  }
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("dragging");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("dragging");
    choose([...event.dataTransfer.files]);
  });
}

function make(name, properties) {
  return Object.assign(document.createElement(name), properties);
}
