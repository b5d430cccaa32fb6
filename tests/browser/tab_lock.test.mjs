// The lock among tabs, with and without `navigator.locks`. A "tab" here is one caller of the module.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { heldLocks, takeLock } from "../../clients/web/tab_lock.js";

class KeptInMemory {
  getItem(name) {
    return Object.hasOwn(this, name) ? this[name] : null;
  }
  setItem(name, value) {
    this[name] = value;
  }
  removeItem(name) {
    delete this[name];
  }
}

beforeEach(() => {
  setStorage({ value: new KeptInMemory() });
});

function setStorage(property) {
  Object.defineProperty(globalThis, "localStorage", { configurable: true, ...property });
}

const forbidding = {
  request: async () => {
    throw new DOMException("not here", "SecurityError");
  },
  query: async () => {
    throw new DOMException("not here", "SecurityError");
  },
};

for (const [name, options] of [
  ["where the browser has no locks", { locks: null }],
  ["where the page may not use them", { locks: forbidding }],
]) {
  test(`one of two tabs gets it ${name}, and the other one after that`, async () => {
    const release = await takeLock("upload 1", options);
    assert.equal(await takeLock("upload 1", options), null);
    assert.deepEqual([...(await heldLocks(options))], ["upload 1"]);
    release();
    assert.deepEqual([...(await heldLocks(options))], []);
    (await takeLock("upload 1", options))();
  });
}

test("one of two tabs that ask at the same moment gets a lease", async () => {
  const options = { locks: null };
  const [first, second] = await Promise.all([takeLock("upload 1", options), takeLock("upload 1", options)]);
  assert.equal([first, second].filter(Boolean).length, 1);
  (first ?? second)();
});

test("a lease whose tab has crashed ends, and is then another tab's alone", async () => {
  const releaseLate = await takeLock("upload 1", { locks: null, now: () => 1_000 });
  assert.equal(await takeLock("upload 1", { locks: null, now: () => 90_999 }), null);
  const release = await takeLock("upload 1", { locks: null, now: () => 91_000 });
  releaseLate();
  assert.deepEqual([...(await heldLocks({ locks: null, now: () => 91_000 }))], ["upload 1"]);
  release();
});

for (const [name, property] of [
  ["absent", { value: undefined }],
  [
    "forbidden",
    {
      get() {
        throw new DOMException("denied", "SecurityError");
      },
    },
  ],
]) {
  test(`tabs that share no storage, because it is ${name}, have nothing to lock`, async () => {
    setStorage(property);
    (await takeLock("upload 1", { locks: null }))();
    (await takeLock("upload 1", { locks: null }))();
    assert.deepEqual([...(await heldLocks({ locks: null }))], []);
  });
}
