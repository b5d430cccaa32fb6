// The words of <vod-upload> in English. `{name}` is the file's name.

export default {
  choose: "Choose videos",
  pause: "Pause {name}",
  resume: "Resume {name}",
  retry: "Try {name} again",
  cancel: "Cancel {name}",
  again: "Choose {name} again to go on",
  interrupted: "interrupted",
  starting: "starting",
  sending: "sending",
  finishing: "finishing",
  following: "sent, waiting for VOD",
  settled: "done",
  paused: "paused",
  failed: "stopped",
  cancelling: "cancelling",
  cancelled: "cancelled",
};
