// The form for a new upload: which files, by whom, under which policy, with which context.

import { sentence } from "../../clients/web/failures.js";
import { textsFor } from "../../clients/web/texts/index.js";
import { fileFault } from "../../clients/web/vod_names.js";
import { showChosenFiles } from "./chosen_files.js";
import { inEachLanguage, presentLanguage, say } from "./language.js";
import { policyInWords, refusalInWords, sizeInWords } from "./words.js";

const USER = /^[a-z0-9_.-]{1,64}$/;
const element = (id) => document.getElementById(id);

export function newUploadForm({ announce, onUploads }) {
  let chosen = { media: [], cover: null };
  let policies = {};

  function showPolicies(details) {
    const present = element("new-upload").elements.policy?.value ?? Object.keys(details)[0];
    policies = details;
    const options = Object.entries(policies).map((entry) => policyOption(entry, present));
    element("policies").replaceChildren(...options);
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
    const many = media.length > 1;
    element("drop").classList.toggle("has-file", media.length > 0);
    element("media-name").textContent = many
      ? say("files_chosen", { count: media.length })
      : (media[0]?.name ?? say("choose_video"));
    element("media-hint").textContent = media.length
      ? say("choose_other", { size: sizeInWords(total) })
      : say("choose_hint");
    element("cover-name").textContent = cover?.name ?? say("cover");
    element("cover-remove").hidden = !cover;
    showPreview(cover);
    element("start").textContent = many ? say("upload_many", { count: media.length }) : say("upload");
    showChosenFiles({ list: element("chosen"), files: media, takeOff });
    showError("new-upload-title", "");
  }

  function takeOff(file) {
    chosen.media = chosen.media.filter((other) => other !== file);
    showChosen();
    (element("chosen").querySelector("button") ?? element("media")).focus();
  }

  // The first thing that is missing or cannot be: the field's id and a sentence. Null when all is right.
  function fault() {
    const { media, cover } = chosen;
    if (!media.length) return ["media", say("missing_video")];
    const refused = media.find(fileFault);
    if (refused) return ["media", inWords(refused)];
    const policy = policies[chosenPolicy()] ?? {};
    const refusal = media.map((file) => refusalInWords(file, chosenPolicy(), policy)).find(Boolean);
    if (refusal) return ["media", refusal];
    if (cover && fileFault(cover)) return ["cover", inWords(cover)];
    if (cover && media.length > 1) return ["cover", say("one_cover")];
    return USER.test(element("user").value) ? null : ["user", say("wrong_user")];
  }

  function inWords(file) {
    return sentence(fileFault(file), file.name, textsFor(presentLanguage()));
  }

  function submit() {
    const found = fault();
    if (found) {
      showError(...found);
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
  takeDroppedFiles((files) => {
    choose(files);
    announce(say("dropped", { names: files.map((file) => file.name).join(", ") }));
  });
  inEachLanguage(() => {
    showRoom();
    showChosen();
    if (Object.keys(policies).length) showPolicies(policies);
  });
  return { showPolicies, showError };
}

function policyOption([name, policy], present) {
  const once = policy.oneTime !== false;
  const label = make("label", { className: "policy" });
  label.append(
    make("input", { type: "radio", name: "policy", value: name, checked: name === present }),
    make("span", { className: "policy-name", textContent: name }),
    make("span", { className: "badge", textContent: say(once ? "one_time" : "reusable") }),
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
  element("context-room").textContent = say(over ? "context_over" : "context_room", { used, room });
  element("context-room").classList.toggle("warning", over);
}

function showPreview(cover) {
  const preview = element("cover-preview");
  if (preview.src) URL.revokeObjectURL(preview.src);
  preview.hidden = !cover;
  if (cover) preview.src = URL.createObjectURL(cover);
  else preview.removeAttribute("src");
}

// A fault stands beside the field that it is about, and is read out with it.
function showError(field, text) {
  const error = element("form-error");
  const cause = element(field);
  error.textContent = text;
  error.hidden = !text;
  for (const marked of document.querySelectorAll("[aria-errormessage]")) {
    marked.removeAttribute("aria-errormessage");
    marked.removeAttribute("aria-invalid");
  }
  if (!text || !cause.matches("input")) return;
  cause.setAttribute("aria-errormessage", error.id);
  cause.setAttribute("aria-invalid", "true");
  cause.closest(".field, .drop, .cover-picker").after(error);
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
