// The fault dial of the stack as switches: what goes wrong on purpose, for as long as it is on.

import { inEachLanguage, say } from "./language.js";

const FAULTS = {
  fault_duplicate: { action: "Push", kind: "duplicate", probability: 1 },
  fault_drop: { action: "Push", kind: "drop", probability: 1 },
  fault_app: { action: "Receiver", kind: "error", status: 503, probability: 1 },
};

export function showFaults({ switches, error }) {
  const boxes = new Map();
  for (const key of Object.keys(FAULTS)) {
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox" });
    const text = document.createElement("span");
    inEachLanguage(() => {
      text.textContent = say(key);
    });
    box.addEventListener("change", set);
    label.append(box, text);
    switches.append(label);
    boxes.set(key, box);
  }

  // Rules of others, such as those of `serve --fault`, stay.
  async function set() {
    const { faults } = await fetch("/local/faults").then((response) => response.json());
    const others = faults.filter((fault) => !keyOf(fault));
    const chosen = Object.keys(FAULTS).filter((key) => boxes.get(key).checked);
    const response = await fetch("/local/faults", {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ faults: [...others, ...chosen.map((key) => FAULTS[key])] }),
    });
    error.hidden = response.ok;
    if (!response.ok) error.textContent = say("faults_failed", await response.json());
  }

  async function show() {
    const { faults } = await fetch("/local/faults").then((response) => response.json());
    for (const fault of faults) if (keyOf(fault)) boxes.get(keyOf(fault)).checked = true;
  }

  show().catch(() => {}); // a stack that does not answer is said by the form
}

function keyOf(fault) {
  return Object.keys(FAULTS).find((key) =>
    Object.entries(FAULTS[key]).every(([name, value]) => fault[name] === value),
  );
}
