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
    const next = [...list.children].find((other) => other !== item.element && other.dataset.at <= at) ?? null;
    if (!item.element.isConnected || item.element.nextElementSibling !== next) {
      list.insertBefore(item.element, next);
    }
    while (list.children.length > MOST_SHOWN) {
      items.delete(list.lastElementChild.dataset.eventId);
      list.lastElementChild.remove();
    }
  }

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of items.values()) {
      const shown =
        (kind.value === "all" || item.kind === kind.value) && words.every((word) => item.has(word));
      item.element.hidden = !shown;
    }
  }

  async function readJournal() {
    const rows = await fetch("/local/journal").then((response) => (response.ok ? response.json() : []));
    for (const row of rows) {
      itemOf(row.id).showJournal(row);
      place(itemOf(row.id));
    }
    filter();
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
    for (const item of items.values()) item.show();
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
  search.addEventListener("input", filter);
  kind.addEventListener("change", filter);
  const stream = new EventSource("/local/events/stream");
  stream.addEventListener("open", () => showConnection("live"));
  stream.addEventListener("message", (message) => {
    const received = JSON.parse(message.data);
    itemOf(received.body.id).showReceived(received);
    place(itemOf(received.body.id));
    filter();
  });
  stream.addEventListener("error", () => showConnection("lost"));
  keepReading();

  return {
    showOnly(uploadId) {
      search.value = uploadId;
      kind.value = "all";
      filter();
      search.focus();
      search.closest("section").scrollIntoView();
    },
  };
}
