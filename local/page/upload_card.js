// One upload as a card in the list: everything on it is read off the Upload each time it changes.

import { inEachLanguage, say, translate } from "./language.js";
import { reasonInWords, renamedInWords, sizeInWords, timeInWords } from "./words.js";

const STRAIGHT = ["issued", "uploaded"];
const WITH_TASK_FLOW = ["issued", "uploaded", "processing", "ready"];

// By stage: the key of the badge's text, and how it looks.
const BADGES = {
  interrupted: ["state_interrupted", "warn"],
  starting: ["state_starting", ""],
  sending: ["state_sending", ""],
  finishing: ["state_finishing", ""],
  paused: ["state_paused", "warn"],
  cancelling: ["state_cancelling", ""],
  failed: ["state_stopped", "bad"],
  cancelled: ["state_cancelled", ""],
};

const ANNOUNCED = {
  paused: "state_paused",
  failed: "state_stopped",
  cancelled: "state_cancelled",
  following: "state_waiting",
};

export function showUpload(upload, { announce, onDismiss, onEvents }) {
  const card = document.getElementById("upload-template").content.cloneNode(true).firstElementChild;
  const find = (selector) => card.querySelector(selector);
  const action = (name) => find(`[data-action=${name}]`);
  const { record } = upload;
  let announced = "";

  find(".name").textContent = record.media.name;
  find(".name").title = record.media.name;
  const article = find("article");
  if (upload.files?.cover) showThumb(URL.createObjectURL(upload.files.cover));

  action("pause").addEventListener("click", () => upload.pause());
  action("resume").addEventListener("click", () => upload.resume());
  action("cancel").addEventListener("click", () => upload.cancel());
  action("dismiss").addEventListener("click", async () => {
    await upload.dismiss();
    onDismiss();
  });
  find(".again-files").addEventListener("change", async (event) => {
    const files = [...event.target.files];
    event.target.value = "";
    const cover = record.cover && files.find((file) => file.name === record.cover.name);
    const media = files.find((file) => file !== cover);
    find(".again-error").textContent = (await upload.continueWith({ media, cover: cover ?? null })) ?? "";
  });
  action("events").addEventListener("click", () => onEvents(upload.uploadId));
  // Once it loads no longer: its controls would paint a moving sign of loading all the time.
  for (const event of ["loadedmetadata", "suspend", "error"]) {
    find("video").addEventListener(event, ({ target }) => {
      target.controls = true;
    });
  }
  upload.addEventListener("change", show);
  inEachLanguage(() => {
    translate(card);
    article.setAttribute("aria-label", say("upload_label", { name: record.media.name }));
    show();
  });
  return card;

  function show() {
    card.dataset.stage = upload.stage;
    card.dataset.uploadId = upload.uploadId ?? "";
    showFacts();
    showSteps();
    showBar("media");
    showBar("cover");
    showFailure();
    showAgain();
    showActions();
    showResult();
    sayOnce();
  }

  function showFacts() {
    const facts = [sizeInWords(record.media.size), record.user, record.request.policy];
    if (record.request.context) facts.push(`“${record.request.context}”`);
    find(".facts").textContent = facts.join(" · ");
    find(".renamed").textContent = renamedInWords(record);
    find(".renamed").hidden = !find(".renamed").textContent;
    const state = upload.server?.state ?? "issued";
    const [key, outcome] = BADGES[upload.stage] ?? [serverKey(state), outcomeOf(state)];
    find(".badge").textContent = say(key);
    find(".badge").dataset.outcome = outcome;
  }

  function serverKey(state) {
    return upload.stage === "following" && state === "issued" ? "state_sent" : `state_${state}`;
  }

  function showSteps() {
    const names = record.hasTaskFlow ? WITH_TASK_FLOW : STRAIGHT;
    const state = upload.server?.state ?? "issued";
    const failed = state === "failed";
    const reached = failed ? names.length - 1 : names.indexOf(state);
    const begun = upload.uploadId !== null;
    find(".steps").hidden = upload.stage === "cancelled" || reached < 0;
    find(".steps").replaceChildren(
      ...names.map((name, index) => {
        const item = document.createElement("li");
        item.textContent = say(`state_${failed && index === reached ? "failed" : name}`);
        const isReached = begun && index <= reached;
        item.dataset.reached = isReached ? (failed && index === reached ? "failed" : "yes") : "no";
        if (begun && index === reached) item.setAttribute("aria-current", "step");
        return item;
      }),
    );
  }

  function showBar(role) {
    const bar = find(`.bar[data-role=${role}]`);
    const moving = ["starting", "sending", "finishing", "paused", "failed"].includes(upload.stage);
    bar.hidden = !record[role] || !moving || (upload.stage === "failed" && !upload.progress[role]);
    if (bar.hidden) return;
    const progress = bar.querySelector("progress");
    const { loaded = 0, speed = 0, sent = false } = upload.progress[role] ?? {};
    const total = record[role].size;
    progress.value = total ? loaded / total : Number(sent);
    progress.setAttribute(
      "aria-label",
      `${say(role === "media" ? "video_bar" : "cover_bar")} ${record[role].name}`,
    );
    bar.querySelector(".bar-numbers").textContent = numbers({ loaded, total, speed, sent });
  }

  function numbers({ loaded, total, speed, sent }) {
    if (sent) return say("all_sent", { size: sizeInWords(total) });
    const parts = [`${total ? Math.floor((100 * loaded) / total) : 0} %`];
    parts.push(say("sent_of", { sent: sizeInWords(loaded), total: sizeInWords(total) }));
    if (upload.stage === "sending" && speed > 0 && loaded < total) {
      parts.push(say("rate", { size: sizeInWords(speed) }));
      parts.push(say("time_left", { time: timeInWords((total - loaded) / speed) }));
    }
    return parts.join(" · ");
  }

  function showFailure() {
    const { failure } = upload;
    find(".failure").hidden = !failure;
    if (!failure) return;
    find(".failure-title").textContent = failure.title;
    find(".failure-advice").textContent = failure.advice;
    find(".failure-reasons").replaceChildren(
      ...failure.reasons.map((reason) =>
        Object.assign(document.createElement("li"), { textContent: reasonInWords(reason) }),
      ),
    );
  }

  function showAgain() {
    const files = [record.media, record.cover].filter(Boolean);
    find(".again").hidden = upload.stage !== "interrupted";
    const names = files.map((file) => `${file.name} (${sizeInWords(file.size)})`);
    find(".again-text").textContent = say("interrupted_text", { files: names.join(` ${say("and")} `) });
    find(".again-label").textContent = say(files.length > 1 ? "again_many" : "again_one", {
      count: files.length,
    });
  }

  function showActions() {
    const settled = ["settled", "following", "cancelled"].includes(upload.stage);
    const focused = card.contains(document.activeElement) ? document.activeElement : null;
    action("pause").hidden = !upload.pausable;
    action("resume").hidden = !upload.resumable;
    action("cancel").hidden = !upload.cancellable;
    action("dismiss").hidden = !(settled || upload.failure?.over);
    action("events").hidden = !upload.uploadId;
    const keys = {
      pause: "pause",
      resume: "resume",
      cancel: "cancel",
      events: "show_events",
      dismiss: "dismiss",
    };
    if (upload.stage === "failed") keys.resume = "retry";
    for (const [name, key] of Object.entries(keys)) {
      action(name).textContent = say(key);
      action(name).setAttribute(
        "aria-label",
        say("action_of", { action: say(key), name: record.media.name }),
      );
    }
    // A focused button that goes away hands the focus to the one that took its place.
    if (focused?.hidden) find(".actions button:not([hidden])")?.focus();
  }

  function showResult() {
    const { server } = upload;
    const video = find("video");
    find(".result").hidden = !server?.mediaUrl;
    if (!server?.mediaUrl) return;
    if (video.getAttribute("src") !== server.mediaUrl) video.src = server.mediaUrl;
    if (server.coverUrl && video.getAttribute("poster") !== server.coverUrl) {
      video.poster = server.coverUrl;
      showThumb(server.coverUrl);
    }
    const entries = [[say("file_id"), server.fileId]];
    for (const subtask of server.procedure?.subtasks ?? []) {
      entries.push([[subtask.kind, subtask.definition].filter(Boolean).join(" "), subtaskInWords(subtask)]);
    }
    find(".outcome").replaceChildren(
      ...entries.map(([term, text]) => {
        const row = document.createElement("div");
        row.append(
          Object.assign(document.createElement("dt"), { textContent: term }),
          Object.assign(document.createElement("dd"), { textContent: text }),
        );
        return row;
      }),
    );
  }

  function subtaskInWords({ status, progress, message }) {
    if (status === "SUCCESS") return say("subtask_done");
    if (status === "FAIL") return `${say("subtask_failed")}${message ? `: ${message}` : ""}`;
    return progress ? `${progress} %` : say("subtask_waiting");
  }

  function showThumb(address) {
    const image = Object.assign(document.createElement("img"), { src: address, alt: "" });
    image.addEventListener("load", () => URL.revokeObjectURL(address), { once: true });
    find(".thumb").replaceChildren(image);
  }

  function sayOnce() {
    const key = upload.stage === "settled" ? `state_${upload.server.state}` : ANNOUNCED[upload.stage];
    const told = key ? say(key) : quarterInWords();
    if (!told || (key ?? told) === announced) return;
    announced = key ?? told;
    announce(say("upload_said", { name: record.media.name, state: told }));
  }

  // Progress is announced at each quarter, not at each byte.
  function quarterInWords() {
    const { loaded = 0 } = upload.progress.media ?? {};
    const quarter = Math.floor((4 * loaded) / record.media.size);
    return upload.stage === "sending" && quarter > 0 && quarter < 4 ? `${25 * quarter} %` : "";
  }
}

function outcomeOf(state) {
  if (state === "ready" || state === "uploaded") return "good";
  return state === "failed" || state === "expired" ? "bad" : "";
}
