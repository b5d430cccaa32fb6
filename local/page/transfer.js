// One run of the Web SDK over one pair of files: started once, and stopped at most once.
//
// Pausing is stopping a run and starting another one later with the same files: the SDK finds its
// session key, storage names the parts it has, and only the missing ones are sent.
// What a stopped run still has to say is not heard: `done()` never settles after `cancel()`.

export function startTransfer({ media, cover, getSignature, onProgress, onSent, onDone, onFailure }) {
  let stopped = false;

  function whileRunning(listener) {
    return (value) => {
      if (!stopped) listener(value);
    };
  }

  const fail = whileRunning((error) => {
    stopped = true;
    // Else the storage SDK takes the failed transfer's parts for in use, and a later run sends all anew.
    cancelTasks(uploader);
    onFailure(error, uploader.vodSessionKey);
  });

  // The SDK asks here before each of its steps. A stopped run gets no answer any more, which holds it
  // where it is. A refusal is reported from here too, because in the middle of a transfer, when the SDK
  // renews its storage credentials, it would lose it.
  async function signatureForThisRun() {
    if (stopped) return forever();
    try {
      const signature = await getSignature();
      return stopped ? forever() : signature;
    } catch (error) {
      fail(error);
      throw error;
    }
  }

  const client = new TcVod.default({ getSignature: signatureForThisRun });
  const mediaName = nameAtVod(media);
  const uploader = client.upload({ mediaFile: media, mediaName, ...(cover && { coverFile: cover }) });
  uploader.on(
    "media_progress",
    whileRunning((progress) => onProgress("media", progress)),
  );
  uploader.on(
    "cover_progress",
    whileRunning((progress) => onProgress("cover", progress)),
  );
  uploader.on(
    "media_upload",
    whileRunning(() => onSent("media")),
  );
  uploader.on(
    "cover_upload",
    whileRunning(() => onSent("cover")),
  );
  uploader.done().then(whileRunning(onDone), fail);

  function stop() {
    stopped = true;
    cancelTasks(uploader);
    // Stopped while VOD was still answering Apply: the transfer begins right after that answer.
    uploader.on("report_apply", () => setTimeout(() => cancelTasks(uploader)));
  }

  return { stop };
}

// VOD's names have no extension, and none of the characters that the SDK refuses in a `mediaName`.
function nameAtVod(file) {
  return file.name.replace(/\.[^.]*$/, "").replace(/[\\/:*?"<>|]/g, "_");
}

// The SDK's cancel() ends the media's task alone, and fails before there is a storage client.
function cancelTasks(uploader) {
  if (!uploader.cos) return;
  uploader.cancel();
  for (const task of uploader.cos.getTaskList()) uploader.cos.cancelTask(task.id);
}

function forever() {
  return new Promise(() => {});
}
