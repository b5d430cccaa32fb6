// A button for each scenario of `trigger`: the stack does all that leads to one event of the app's.

import { inEachLanguage, say } from "./language.js";

const SCENARIOS = {
  "upload.completed": "trigger_completed",
  "upload.replayed": "trigger_replayed",
  "upload.expired": "trigger_expired",
  "procedure.finished": "trigger_finished",
};

// `whose` returns the user and the context of the form; `onEvents` shows the events of an upload.
export function showTriggers({ buttons, every, state, events, error, whose, onEvents }) {
  let shown = null; // the language may change after a text was shown
  let isRunning = false;
  let uploadId = "";

  for (const [type, key] of Object.entries(SCENARIOS)) {
    const button = Object.assign(document.createElement("button"), { type: "button" });
    const name = Object.assign(document.createElement("strong"), { textContent: type });
    const explanation = document.createElement("span");
    inEachLanguage(() => {
      explanation.textContent = say(key);
    });
    button.append(name, " ", explanation);
    button.addEventListener("click", () => run(type));
    buttons.append(button);
  }
  events.addEventListener("click", () => onEvents(uploadId));
  inEachLanguage(() => {
    if (shown) shown.place.textContent = say(shown.key, shown.values);
  });

  // The buttons stay focusable while one runs, so that the focus stays where it is.
  async function run(type) {
    if (isRunning) return;
    setRunning(true);
    show(state, "trigger_running", { type });
    const answer = await send(type).catch(() => ({ problem: say("no_stack") }));
    if (answer.problem) {
      show(error, "trigger_failed", { type, detail: answer.problem });
    } else {
      uploadId = answer.event.data.uploadId;
      const types = answer.withheld.map((body) => body.type).join(", ");
      const key = types ? "trigger_done_withheld" : "trigger_done";
      show(state, key, { type, answered: answer.answered, types });
      events.hidden = false;
    }
    setRunning(false);
  }

  async function send(type) {
    const { user, context } = whose();
    const response = await fetch("/local/trigger", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ type, user, context: context || null, every: every.checked }),
    });
    const answer = await response.json();
    return response.ok ? answer : { problem: answer.detail };
  }

  function setRunning(running) {
    isRunning = running;
    for (const button of buttons.children) button.setAttribute("aria-disabled", running);
  }

  function show(place, key, values) {
    shown = { place, key, values };
    events.hidden = true;
    state.textContent = "";
    error.hidden = place !== error;
    place.textContent = say(key, values);
  }
}
