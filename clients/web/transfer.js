// One run of the Web SDK over one pair of files: started once, and stopped at most once.
//
// Pausing is stopping a run and starting another one later with the same files and session: storage names
// the parts it has, and only the missing ones are sent.
// What a stopped run still has to say is not heard.
//
//   startTransfer({
//     TcVod,            // the SDK's default export
//     media, cover,     // Files; cover may be null
//     sessionKey,       // of an earlier run of this very upload, or null
//     onSession,        // a key to keep for a later run, or null when there is none any more
//     getSignature, onProgress, onSent, onDone, onFailure,
//   });
//
// Two tabs that both remember one upload must not both run it: its lock is in tab_lock.js.

import { isConnectionLost } from "./connection.js";
import { coverAtVod, nameAtVod } from "./vod_names.js";

const MOST_RENEWALS = 3; // the SDK gives up after its fourth attempt, and nobody hears of it

export function startTransfer({
  TcVod,
  media,
  cover,
  sessionKey,
  onSession,
  getSignature,
  onProgress,
  onSent,
  onDone,
  onFailure,
}) {
  let stopped = false;
  let failedRenewals = 0;

  function whileRunning(listener) {
    return (...values) => {
      if (!stopped) listener(...values);
    };
  }

  const keepSession = whileRunning((key) => {
    sessionKey = key;
    onSession(key);
  });

  const fail = whileRunning((error) => {
    stopped = true;
    // Else the storage SDK takes the failed transfer's parts for in use, and a later run sends all anew.
    cancelTasks(uploader);
    onFailure(error);
  });

  // The SDK asks here before each of its steps. A run that is over gets no answer any more, which holds it
  // where it is. A refusal is reported from here, because in the middle of a transfer, when the SDK renews
  // its storage credentials, it would be nobody's.
  async function signatureForThisRun() {
    if (stopped) return forever();
    try {
      const signature = await Promise.resolve().then(getSignature);
      return stopped ? forever() : signature;
    } catch (error) {
      fail(error);
      return forever();
    }
  }

  if (!TcVod) throw new Error("The Web SDK is not there.");
  const client = new TcVod({ getSignature: signatureForThisRun });
  const uploader = client.upload({
    mediaFile: media,
    mediaName: nameAtVod(media.name).name,
    ...(cover && { coverFile: coverAtVod(cover) }),
  });
  // The SDK keeps its session in the browser under the files' names and sizes, so that two uploads of
  // equal files, of two tabs or two users, would become one. Here each upload has its own.
  if (!uploader.getStorage || !uploader.setStorage || !uploader.delStorage) {
    stopped = true;
    throw new Error("This version of the Web SDK keeps its sessions in a way that is not known here.");
  }
  uploader.getStorage = () => sessionKey;
  uploader.setStorage = (_name, key) => keepSession(key);
  uploader.delStorage = () => {};

  uploader.on("report_apply", ({ err }) => {
    if (stopped) setTimeout(() => cancelTasks(uploader)); // the transfer begins right after this answer
    if (!err) failedRenewals = 0;
    else if (!err.isAxiosError) keepSession(null); // VOD's own word
    if (err && uploader.cos && ++failedRenewals === MOST_RENEWALS) fail(err);
  });
  for (const role of ["media", "cover"]) {
    uploader.on(
      `${role}_progress`,
      whileRunning((progress) => onProgress(role, progress)),
    );
    uploader.on(
      `${role}_upload`,
      whileRunning(() => onSent(role)),
    );
  }
  const done = whileRunning((result) => {
    keepSession(null);
    onDone(result);
  });
  uploader.done().then(done, (error) => {
    // What went wrong on the way leaves the session as it was; anything else may be the session's fault.
    if (!isConnectionLost(error)) keepSession(null);
    fail(error);
  });

  function stop() {
    stopped = true;
    cancelTasks(uploader);
  }

  return { stop };
}

// The SDK's cancel() ends the media's task alone, and fails before there is a storage client.
function cancelTasks(uploader) {
  if (!uploader.cos) return;
  uploader.cancel();
  for (const task of uploader.cos.getTaskList?.() ?? []) uploader.cos.cancelTask(task.id);
}

function forever() {
  return new Promise(() => {});
}
