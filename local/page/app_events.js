// The events as the app's own back end received them: all so far, then each new one as it comes.

const MOST_SHOWN = 200;
const OUTCOMES = {
  "upload.completed": "good",
  "upload.cover_changed": "good",
  "upload.replayed": "bad",
  "upload.expired": "bad",
  "procedure.finished": "good",
};

export function showAppEvents({ list, empty, live, template }) {
  const shown = new Set();

  function show(received) {
    const { id, type, data = {} } = received.body;
    // The stream begins anew after a lost connection. An event that was delivered twice stays two.
    const key = `${id} ${received.receivedAt}`;
    if (shown.has(key)) return;
    shown.add(key);
    const item = template.content.cloneNode(true).firstElementChild;
    const find = (selector) => item.querySelector(selector);
    item.dataset.uploadId = data.uploadId ?? "";
    find(".event-type").textContent = type;
    find(".event-type").dataset.outcome = OUTCOMES[type] ?? "";
    find(".event-who").textContent = [data.uploader, data.context].filter(Boolean).join(" · ");
    find(".badge").textContent = received.repeat ? "delivered again" : "signature valid";
    find(".badge").dataset.outcome = received.repeat ? "warn" : "good";
    find("time").dateTime = received.receivedAt;
    find("time").textContent = new Date(received.receivedAt).toLocaleTimeString();
    find("pre").textContent = JSON.stringify(received.body, null, 2);
    list.prepend(item);
    while (list.children.length > MOST_SHOWN) list.lastElementChild.remove();
    empty.hidden = true;
  }

  function say(state, text) {
    live.dataset.state = state;
    live.textContent = text;
  }

  const stream = new EventSource("/local/events/stream");
  stream.addEventListener("open", () => say("live", "live"));
  stream.addEventListener("message", (message) => show(JSON.parse(message.data)));
  stream.addEventListener("error", () => say("lost", "connection lost, trying again…"));
}
