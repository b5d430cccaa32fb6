// The events of this stack: as the app's back end received them, and what the journal says of each.

import { eventItem } from "./event_item.js";
import { inEachLanguage, say } from "./language.js";

const MOST_SHOWN = 200;
const JOURNAL_SECONDS = 5;

export function showAppEvents({ list, empty, live, search, kind, template, announce }) {
  const items = new Map(); // by event id

  function itemOf(id) {
    if (!items.has(id)) {
      const item = eventItem({ id, template, sendAgain });
      items.set(id, item);
      empty.hidden = true;
    }
    return items.get(id);
  }

  // The newest first; what is beyond the limit is dropped. An item that stands right is not moved, because
  // that would take the focus out of it.
  function place(item) {
    const { at } = item.element.dataset;
    let next = list.firstElementChild;
    while (next && (next === item.element || next.dataset.at > at)) next = next.nextElementSibling;
    if (!item.element.isConnected || item.element.nextElementSibling !== next) {
      list.insertBefore(item.element, next);
    }
    while (list.children.length > MOST_SHOWN) {
      items.delete(list.lastElementChild.dataset.eventId);
      list.lastElementChild.remove();
    }
  }

  function filter(item) {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = (kind.value === "all" || item.kind === kind.value) && words.every((word) => item.has(word));
    item.element.hidden = !shown;
  }

  function filterAll() {
    for (const item of items.values()) filter(item);
  }

  async function readJournal() {
    const rows = await fetch("/local/journal").then((response) => (response.ok ? response.json() : []));
    for (const row of rows) {
      const item = itemOf(row.id);
      if (!item.showJournal(row)) continue;
      place(item);
      filter(item);
    }
  }

  async function sendAgain(id) {
    const response = await fetch(`/local/journal/${encodeURIComponent(id)}/retry`, { method: "POST" });
    announce(response.ok ? say("event_due") : (await response.json()).detail);
    await readJournal();
  }

  function showConnection(state) {
    live.dataset.state = state;
    live.textContent = say(`events_${state}`);
  }

  function showLanguage() {
    showConnection(live.dataset.state);
    for (const item of items.values()) item.showLanguage();
  }

  // Without a connection the stream says so; the journal is read again when there is one.
  function keepReading() {
    const again = () => setTimeout(keepReading, 1000 * JOURNAL_SECONDS);
    if (document.hidden) again();
    else
      readJournal()
        .catch(() => {})
        .finally(again);
  }

  inEachLanguage(showLanguage);
  search.addEventListener("input", filterAll);
  kind.addEventListener("change", filterAll);
  const stream = new EventSource("/local/events/stream");
  stream.addEventListener("open", () => showConnection("live"));
  stream.addEventListener("message", (message) => {
    const received = JSON.parse(message.data);
    const item = itemOf(received.body.id);
    item.showReceived(received);
    place(item);
    filter(item);
  });
  stream.addEventListener("error", () => showConnection("lost"));
  keepReading();

  return {
    showOnly(uploadId) {
      search.value = uploadId;
      kind.value = "all";
      filterAll();
      search.focus();
      search.closest("section").scrollIntoView();
    },
  };
}
