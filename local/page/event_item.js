// One event as an item of the list: what the app received under its id, and where the journal has it.

import { say, translate } from "./language.js";

// true: the event says that it is verified; hint: anybody who knows the callback URL can have said it;
// held back: the app never hears of it; taken: the stack has taken it in the app's place, for a scenario;
// waiting: it has not been delivered yet.
const KINDS = { true: "good", hint: "warn", withheld: "bad", taken: "", waiting: "" };
const WITHHELD = ["quarantined", "parked", "kept"];

export function eventItem({ id, template, sendAgain }) {
  const element = template.content.cloneNode(true).firstElementChild;
  const find = (selector) => element.querySelector(selector);
  const seen = new Set();
  const receipts = [];
  let journal = null;
  const item = { element, kind: "waiting", has, showJournal, showLanguage, showReceived };

  element.dataset.eventId = id;
  find("[data-action=copy-body]").addEventListener("click", () => copy(receipts.at(-1).text));
  find("[data-action=copy-headers]").addEventListener("click", () => copy(headersOf(receipts.at(-1))));
  find("[data-action=again]").addEventListener("click", () => sendAgain(id));
  find("details").addEventListener("toggle", showInside);
  nameButtons();
  return item;

  // The stream begins anew after a lost connection.
  function showReceived(received) {
    if (seen.has(received.receivedAt)) return;
    seen.add(received.receivedAt);
    receipts.push(received);
    show();
  }

  // Returns whether the journal has anything new.
  function showJournal(row) {
    if (JSON.stringify(row) === JSON.stringify(journal)) return false;
    journal = row;
    show();
    return true;
  }

  function showLanguage() {
    translate(element);
    nameButtons();
    show();
  }

  function has(word) {
    return element.dataset.words.includes(word);
  }

  function nameButtons() {
    for (const button of element.querySelectorAll("[data-action]")) {
      button.setAttribute("aria-label", say("action_of", { action: button.textContent, name: id }));
    }
  }

  function show() {
    const body = receipts.at(-1)?.body;
    const facts = body?.data ?? {};
    const type = body?.type ?? journal.type;
    const uploadId = facts.uploadId ?? journal?.uploadId ?? "";
    const verdict = facts.verdict ?? journal?.verdict;
    item.kind = kindOf(body);
    element.dataset.kind = item.kind;
    element.dataset.uploadId = uploadId;
    element.dataset.words = [id, type, uploadId, verdict, journal?.state, facts.uploader, facts.context]
      .join(" ")
      .toLowerCase();
    find(".event-type").textContent = type;
    find(".event-who").textContent = [facts.uploader, facts.context].filter(Boolean).join(" · ");
    find(".event-upload").textContent = uploadId;
    showBadge(".verdict", verdict, verdict === "attributed" || verdict === "cover_changed" ? "good" : "warn");
    showBadge(".truth", say(`event_${item.kind}`), KINDS[item.kind]);
    showBadge(".repeated", receipts.length > 1 && say("event_received", { count: receipts.length }), "warn");
    find("time").dateTime = receipts[0]?.receivedAt ?? journal.received;
    element.dataset.at = new Date(find("time").dateTime).toISOString();
    find("time").textContent = new Date(find("time").dateTime).toLocaleTimeString();
    showInside();
  }

  // While it is folded away it is not made: a page can have hundreds of events.
  function showInside() {
    if (!find("details").open) return;
    const body = receipts.at(-1)?.body;
    find(".event-state").textContent = stateInWords();
    find("[data-action=again]").hidden = !journal || ["quarantined", "parked"].includes(journal.state);
    for (const part of element.querySelectorAll(".received-only")) part.hidden = !body;
    if (!body) return;
    find(".event-headers").textContent = headersOf(receipts.at(-1));
    find(".event-body").textContent = JSON.stringify(body, null, 2);
  }

  function kindOf(body) {
    if (body) return body.data?.verified === false ? "hint" : "true";
    if (journal.state === "delivered") return "taken";
    return WITHHELD.includes(journal.state) ? "withheld" : "waiting";
  }

  function showBadge(selector, text, outcome) {
    const badge = find(selector);
    badge.hidden = !text;
    badge.textContent = text || "";
    badge.dataset.outcome = outcome;
  }

  function stateInWords() {
    if (!journal) return "";
    const parts = [say("event_state", journal), say("event_attempts", journal)];
    if (journal.nextAttempt) {
      parts.push(say("event_next", { time: new Date(journal.nextAttempt).toLocaleTimeString() }));
    }
    if (journal.problem) parts.push(journal.problem);
    return parts.join(" · ");
  }
}

function headersOf({ headers }) {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
}

function copy(text) {
  return navigator.clipboard.writeText(text);
}
