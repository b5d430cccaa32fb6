// One upload: its stage in this browser, its state at the service, and what the user may do.
//
// No elements: whoever shows it listens for "change". Stages:
//   interrupted  a reload cut it off; the same files must be chosen again
//   starting → sending → finishing → following → settled       the straight way
//   paused, failed                                              can go on
//   cancelling → cancelled                                      over

import { countOutages, whenOnline } from "./connection.js";
import { failure, failureOf, sentence } from "./failures.js";
import { describeFile, forgetUpload, isSameFile, rememberUpload } from "./remembered_uploads.js";
import { takeLock } from "./tab_lock.js";
import { startTransfer } from "./transfer.js";
import { createSignatureSource } from "./upload_signature.js";
import { cancelUpload, followUpload, readUpload } from "./upload_status.js";

const TRANSFERRING = new Set(["starting", "sending"]);
const CANCELLABLE = new Set(["starting", "sending", "paused", "failed", "interrupted"]);
const UNDER_WAY = new Set([...CANCELLABLE, "finishing", "cancelling"]);

export class Upload extends EventTarget {
  stage = "starting";
  server = null; // the last answer of GET /uploads/{id}
  failure = null; // failureOf(…)
  progress = {}; // "media" and "cover" → { loaded, total, speed, sent }

  #client;
  #source;
  #transfer = null;
  #following = null;
  #unlock = null;
  #waitsForConnection = false;
  #forgotten = false;
  #settle;

  // `record` is what is remembered over a reload; `files` are there unless it has just been reloaded.
  // `client` is { TcVod, endpoint, authorization, texts }.
  constructor({ record, files = null, client }) {
    super();
    this.record = record;
    this.files = files;
    this.#client = client;
    // Settles with the final answer of the service, or rejects when the upload is over without one.
    this.done = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.done.catch(() => {}); // whoever does not wait for it is no unhandled rejection
    this.#source = createSignatureSource({
      url: `${client.endpoint}/signature`,
      authorization: client.authorization,
      request: record.request,
      uploadId: record.uploadId ?? null,
      onUploadId: (uploadId) => this.#identify(uploadId),
    });
    if (!files) this.stage = record.committed ? "following" : "interrupted";
  }

  get uploadId() {
    return this.record.uploadId ?? null;
  }

  // From 0 to 1, media and cover together.
  get fraction() {
    const { media, cover } = this.record;
    const total = media.size + (cover?.size ?? 0);
    const loaded = Object.values(this.progress).reduce((sum, each) => sum + each.loaded, 0);
    return total ? Math.min(1, loaded / total) : 0;
  }

  get pausable() {
    const { loaded = 0, total = 1 } = this.progress.media ?? {};
    return TRANSFERRING.has(this.stage) && loaded < total; // past that, resuming would send all of it again
  }

  get resumable() {
    return this.stage === "paused" || (this.stage === "failed" && !this.failure?.over);
  }

  get cancellable() {
    return CANCELLABLE.has(this.stage) && !this.failure?.over;
  }

  get underWay() {
    return UNDER_WAY.has(this.stage) && !this.failure?.over;
  }

  start() {
    this.#run();
  }

  // After a reload. Returns what is wrong with the chosen files, or nothing.
  async continueWith(files) {
    for (const role of ["media", "cover"]) {
      if (isSameFile(files[role], this.record[role])) continue;
      return this.#sentence(this.record[role] ? "other_file" : "no_cover", this.record[role]?.name);
    }
    if (!(await this.#hold())) return this.#sentence("other_tab");
    this.files = files;
    await this.#runUnlessCommitted();
    return null;
  }

  pause() {
    this.#transfer?.stop();
    this.#change({ stage: "paused" });
  }

  async resume() {
    if (this.stage === "failed") await this.#runUnlessCommitted();
    else this.#run();
  }

  async cancel() {
    this.#transfer?.stop();
    this.#waitsForConnection = false;
    this.#change({ stage: "cancelling", failure: null });
    try {
      if (this.uploadId && !(await cancelUpload(this.uploadId, this.#client))) {
        this.follow(); // too late: VOD already has the file
        return;
      }
    } catch (error) {
      this.#change({ stage: "failed", failure: this.#explain(error) });
      return;
    }
    this.#forget();
    this.#change({ stage: "cancelled" });
  }

  // Take it off the list; whatever is still polled for it ends.
  dismiss() {
    this.#following?.abort();
    this.#forget();
  }

  async follow() {
    this.#following = new AbortController();
    const firstAfter = this.record.committed ? 0 : 600;
    this.#remember({ committed: true });
    this.#change({ stage: "following", failure: null });
    try {
      await followUpload(this.uploadId, {
        ...this.#client,
        signal: this.#following.signal,
        firstAfter,
        onChange: (server) => this.#change({ server }),
      });
      this.#change({ stage: "settled" });
    } catch (error) {
      if (this.#following.signal.aborted) return;
      this.#change({ stage: "failed", failure: { ...this.#explain(error), over: true } });
    }
  }

  #run() {
    this.progress = {};
    this.#waitsForConnection = false;
    this.#change({ stage: "starting", failure: null });
    const outages = countOutages();
    try {
      this.#transfer = startTransfer({
        TcVod: this.#client.TcVod,
        ...this.files,
        sessionKey: this.record.vodSessionKey ?? null,
        onSession: (vodSessionKey) => this.#remember({ vodSessionKey }),
        getSignature: this.#source.getSignature,
        onProgress: (role, progress) => this.#advance(role, progress),
        onSent: (role) => this.#sent(role),
        onDone: () => this.follow(),
        onFailure: (error) => this.#fail(error, outages),
      });
    } catch (error) {
      this.#fail(error, outages);
    }
  }

  // An upload that broke off near its end may have been committed: sending it again would make a second
  // file, so the service is asked first.
  async #runUnlessCommitted() {
    const outages = countOutages();
    this.#change({ stage: "starting", failure: null });
    if (this.uploadId) {
      try {
        const { upload } = await readUpload(this.uploadId, this.#client);
        if (upload.state !== "issued") {
          this.#change({ server: upload });
          await (upload.fileId ? this.follow() : this.#end(upload.state));
          return;
        }
      } catch (error) {
        this.#fail(error, outages);
        return;
      }
    }
    this.#run();
  }

  #end(state) {
    this.#forget();
    const code = state === "expired" ? "expired" : "ended";
    this.#change({ stage: "failed", failure: failure(code, this.#client.texts, { over: true }) });
  }

  #advance(role, { loaded, total, speed }) {
    const before = this.progress[role];
    // The SDK gives the speed of its last interval; smoothed, the time left does not jump.
    const smooth = before?.speed ? 0.7 * before.speed + 0.3 * speed : speed;
    this.progress[role] = { loaded, total, speed: smooth, sent: before?.sent ?? false };
    this.#change({ stage: "sending" });
  }

  #sent(role) {
    const { size } = this.files[role];
    this.progress[role] = { loaded: size, total: size, speed: 0, sent: true };
    const roles = this.files.cover ? ["media", "cover"] : ["media"];
    this.#change({ stage: roles.every((each) => this.progress[each]?.sent) ? "finishing" : "sending" });
  }

  // A connection that comes back takes the upload up again, unless something else was chosen meanwhile.
  #fail(error, outages) {
    const found = this.#explain(error);
    if (found.over) this.#forget();
    this.#waitsForConnection = Boolean(found.network);
    this.#change({ stage: "failed", failure: found });
    if (found.network) whenOnline(outages, () => this.#waitsForConnection && this.resume());
  }

  #identify(uploadId) {
    this.record.uploadId = uploadId;
    this.#remember({
      media: describeFile(this.files.media),
      cover: describeFile(this.files.cover),
      startedAt: Date.now(),
    });
    this.#hold();
    this.#change({});
  }

  #remember(news) {
    Object.assign(this.record, news);
    if (!this.#forgotten) rememberUpload(this.record);
  }

  #forget() {
    this.#forgotten = true;
    this.#unlock?.();
    if (this.uploadId) forgetUpload(this.uploadId);
  }

  // One tab at a time: another must neither list as interrupted what is alive here, nor go on with it.
  async #hold() {
    this.#unlock ??= await takeLock(lockName(this.uploadId));
    if (this.#forgotten) this.#unlock?.();
    return this.#unlock !== null;
  }

  #explain(error) {
    return failureOf(error, this.#client.texts);
  }

  #sentence(code, name = "") {
    return sentence(code, name, this.#client.texts);
  }

  #change(news) {
    Object.assign(this, news);
    if (this.stage === "settled") this.#settle.resolve(this.server);
    if (this.failure?.over) this.#settle.reject(Object.assign(new Error(this.failure.title), this.failure));
    if (this.stage === "cancelled") this.#settle.reject(cancelled());
    this.dispatchEvent(new Event("change"));
  }
}

export function lockName(uploadId) {
  return `upload ${uploadId}`;
}

function cancelled() {
  return new DOMException("The upload was cancelled.", "AbortError");
}
