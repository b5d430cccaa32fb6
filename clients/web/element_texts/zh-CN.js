// The words of <vod-upload> in simplified Chinese. `{name}` is the file's name.

export default {
  choose: "选择视频",
  pause: "暂停 {name}",
  resume: "继续 {name}",
  retry: "重试 {name}",
  cancel: "取消 {name}",
  again: "请重新选择 {name} 以继续",
  interrupted: "已中断",
  starting: "正在开始",
  sending: "正在发送",
  finishing: "正在完成",
  following: "已发送，等待 VOD",
  settled: "完成",
  paused: "已暂停",
  failed: "已停止",
  cancelling: "正在取消",
  cancelled: "已取消",
};
