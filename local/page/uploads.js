// One upload as the page knows it: its stage here, its state at the service, and what the user may do.
//
// No elements: whoever shows it listens for "change". Stages:
//   interrupted  a reload cut it off; the same files must be chosen again
//   starting → sending → finishing → following → settled       the straight way
//   paused, failed                                              can go on
//   cancelling → cancelled                                      over

import {
  describeFile,
  dropSdkSession,
  forgetUpload,
  isSameFile,
  rememberUpload,
  restoreSdkSession,
} from "./remembered_uploads.js";
import { startTransfer } from "./transfer.js";
import { createSignatureSource } from "./upload_signature.js";
import { cancelUpload, followUpload, readUpload } from "./upload_status.js";
import { failureInWords } from "./words.js";

const TRANSFERRING = new Set(["starting", "sending"]);
const CANCELLABLE = new Set(["starting", "sending", "paused", "failed", "interrupted"]);
const UNDER_WAY = new Set([...CANCELLABLE, "finishing", "cancelling"]);

export class Upload extends EventTarget {
  stage = "starting";
  server = null; // the last answer of GET /uploads/{id}
  failure = null; // failureInWords(…)
  progress = {}; // "media" and "cover" → { loaded, total, speed, sent }

  #source;
  #transfer = null;
  #following = null;
  #lock = null;

  // `record` is what is remembered over a reload; `files` are there unless it has just been reloaded.
  constructor({ record, files = null, signIn }) {
    super();
    this.record = record;
    this.files = files;
    this.authorization = () => signIn(record.user);
    this.#source = createSignatureSource({
      url: "/signature",
      authorization: this.authorization,
      request: record.request,
      uploadId: record.uploadId ?? null,
      onUploadId: (uploadId) => this.#identify(uploadId),
    });
    if (!files) this.stage = record.committed ? "following" : "interrupted";
  }

  get uploadId() {
    return this.record.uploadId ?? null;
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

  // A new upload: a session the SDK kept of the same files may be another user's, or another upload.
  async start() {
    await dropSdkSession(this.files.media, this.files.cover);
    if (this.stage === "starting") this.#run();
  }

  // After a reload. Returns what is wrong with the chosen files, or nothing.
  async continueWith(files) {
    for (const role of ["media", "cover"]) {
      if (isSameFile(files[role], this.record[role])) continue;
      return this.record[role]
        ? `Please choose ${this.record[role].name} as it was: a file of another name or size is another upload.`
        : "This upload had no cover.";
    }
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
    this.#change({ stage: "cancelling", failure: null });
    try {
      if (this.uploadId && !(await cancelUpload(this.uploadId, this))) {
        this.follow(); // too late: VOD already has the file
        return;
      }
    } catch (error) {
      this.#change({ stage: "failed", failure: failureInWords(error) });
      return;
    }
    await this.#forget();
    this.#change({ stage: "cancelled" });
  }

  // Take it off the list; whatever is still polled for it ends.
  async dismiss() {
    this.#following?.abort();
    await this.#forget();
  }

  async follow() {
    this.#following = new AbortController();
    const firstAfter = this.record.committed ? 0 : 600;
    this.#remember({ committed: true });
    this.#change({ stage: "following", failure: null });
    try {
      await followUpload(this.uploadId, {
        authorization: this.authorization,
        signal: this.#following.signal,
        firstAfter,
        onChange: (server) => this.#change({ server }),
      });
      this.#change({ stage: "settled" });
    } catch (error) {
      if (this.#following.signal.aborted) return;
      this.#change({ stage: "failed", failure: { ...failureInWords(error), over: true } });
    }
  }

  #run() {
    this.progress = {};
    this.#change({ stage: "starting", failure: null });
    this.#hold();
    this.#transfer = startTransfer({
      ...this.files,
      getSignature: this.#source.getSignature,
      onProgress: (role, progress) => this.#advance(role, progress),
      onSent: (role) => this.#sent(role),
      onDone: () => this.follow(),
      onFailure: (error, vodSessionKey) => this.#fail(error, vodSessionKey),
    });
  }

  // An upload that broke off near its end may have been committed: sending it again would make a second
  // file, so the service is asked first.
  async #runUnlessCommitted() {
    this.#change({ stage: "starting", failure: null });
    if (this.uploadId) {
      try {
        const { upload } = await readUpload(this.uploadId, this);
        if (upload.state !== "issued") {
          this.#change({ server: upload });
          await (upload.fileId ? this.follow() : this.#end(upload.state));
          return;
        }
      } catch (error) {
        this.#change({ stage: "failed", failure: failureInWords(error) });
        return;
      }
    }
    this.#run();
  }

  async #end(state) {
    await this.#forget();
    const title =
      state === "expired" ? "This upload was left for too long and has expired" : `This upload is ${state}`;
    this.#change({ stage: "failed", failure: { title, reasons: [], advice: "Start over.", over: true } });
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

  async #fail(error, vodSessionKey) {
    const failure = failureInWords(error);
    if (failure.network) await restoreSdkSession(this.files.media, this.files.cover, vodSessionKey);
    if (failure.over) await this.#forget();
    this.#change({ stage: "failed", failure });
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
    rememberUpload(this.record);
  }

  async #forget() {
    this.#lock?.();
    if (this.uploadId) forgetUpload(this.uploadId);
    if (!this.record.committed) await dropSdkSession(this.record.media, this.record.cover);
  }

  // Another tab must not list as interrupted what is alive here: see uploadsHeldElsewhere().
  #hold() {
    if (this.#lock || !this.uploadId || !navigator.locks) return;
    const released = new Promise((release) => {
      this.#lock = release;
    });
    navigator.locks.request(lockName(this.uploadId), { ifAvailable: true }, () => released);
  }

  #change(news) {
    Object.assign(this, news);
    this.dispatchEvent(new Event("change"));
  }
}

export async function uploadsHeldElsewhere() {
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  return new Set(held.map((lock) => lock.name));
}

export function lockName(uploadId) {
  return `upload ${uploadId}`;
}
