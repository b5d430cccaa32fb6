// A lock among the tabs of one browser: what one tab holds, no other gets.
//
// `navigator.locks` where it is; over plain http it is not. There a lease takes its place, in the storage
// that all tabs share and with an end that its holder keeps moving. Without that storage the tabs share
// nothing that could be locked, and every lock is free.

import { itemNames, readItem, removeItem, writeItem } from "./browser_storage.js";

const PREFIX = "vod-upload-functions.lock.";
const LEASE = 90_000; // a hidden tab's timers run once a minute
const RENEWAL = 5_000;
const SETTLED_AFTER = 50; // for two tabs that found the lease free at the same moment

// Returns a function that gives the lock back, or null if another tab holds it.
export async function takeLock(name, { locks = globalThis.navigator?.locks, ...lease } = {}) {
  if (!locks) return await takeLease(name, lease);
  return await new Promise((resolve, reject) => {
    const held = (lock) => {
      if (!lock) return resolve(null);
      return new Promise((release) => resolve(release));
    };
    locks.request(PREFIX + name, { ifAvailable: true }, held).catch(reject);
  }).catch(() => takeLease(name, lease)); // a page that may not lock, such as one in a sandbox
}

export async function heldLocks({ locks = globalThis.navigator?.locks, now = Date.now } = {}) {
  const { held = [] } = (await locks?.query().catch(() => null)) ?? {};
  const leased = itemNames(PREFIX).filter((name) => readItem(name)?.until > now());
  return new Set([...held.map(({ name }) => name), ...leased].map((name) => name.slice(PREFIX.length)));
}

async function takeLease(name, { now = Date.now, settled = wait }) {
  const item = PREFIX + name;
  const holder = `${now()} ${Math.random()}`;
  const isOurs = () => readItem(item)?.holder === holder;
  const renew = () => writeItem(item, { holder, until: now() + LEASE });
  if (readItem(item)?.until > now()) return null;
  renew();
  await settled(SETTLED_AFTER);
  if (readItem(item) && !isOurs()) return null; // the last of two that wrote has it
  const timer = setInterval(() => isOurs() && renew(), RENEWAL);
  globalThis.addEventListener?.("pagehide", release);
  return release;

  function release() {
    clearInterval(timer);
    globalThis.removeEventListener?.("pagehide", release);
    if (isOurs()) removeItem(item);
  }
}

function wait(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
