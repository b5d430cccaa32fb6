// The words of <vod-upload> in Korean. `{name}` is the file's name.

export default {
  choose: "동영상 선택",
  pause: "{name} 일시정지",
  resume: "{name} 계속하기",
  retry: "{name} 다시 시도",
  cancel: "{name} 취소",
  again: "계속하려면 {name} 파일을 다시 선택하세요",
  interrupted: "중단됨",
  starting: "시작하는 중",
  sending: "전송 중",
  finishing: "마무리 중",
  following: "전송됨, VOD 대기 중",
  settled: "완료",
  paused: "일시정지됨",
  failed: "멈춤",
  cancelling: "취소하는 중",
  cancelled: "취소됨",
};
