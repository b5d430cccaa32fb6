// Upload with React: pick files, see each one's progress, pause, resume (after a reload too), cancel.

import { useEffect, useReducer, useState } from "react";
import { createRoot } from "react-dom/client";
import { createUploader, type Upload } from "vod-upload-client";
import { textsFor } from "vod-upload-client/texts";

const endpoint = "http://127.0.0.1:8000"; // in production, the address of your functions
const uploader = createUploader({
  endpoint,
  // Your own login gives the token; the local stack gives one to anybody.
  tokenProvider: async () => (await fetch(`${endpoint}/local/token?user=alice`)).text(),
  user: "alice",
  texts: textsFor(),
});

function Row({ upload }: { upload: Upload }) {
  const [, render] = useReducer((changes: number) => changes + 1, 0);
  useEffect(() => {
    upload.addEventListener("change", render);
    return () => upload.removeEventListener("change", render);
  }, [upload]);
  const { failure, stage, record } = upload;
  return (
    <li>
      {record.media.name} <progress value={upload.fraction} aria-label={record.media.name} />
      <output>{stage}</output> {upload.server?.fileId}
      {upload.pausable && <button onClick={() => upload.pause()}>Pause</button>}
      {upload.resumable && <button onClick={() => upload.resume()}>Resume</button>}
      {upload.cancellable && <button onClick={() => upload.cancel()}>Cancel</button>}
      {failure && <p role="alert">{`${failure.title}. ${failure.advice}`}</p>}
      {stage === "interrupted" && (
        <Choice text="Choose it again" onFile={(media) => upload.continueWith({ media })} />
      )}
    </li>
  );
}

function Choice({ text, onFile }: { text: string; onFile: (file: File) => void }) {
  return (
    <label>
      {text} <input type="file" onChange={({ target }) => target.files?.[0] && onFile(target.files[0])} />
    </label>
  );
}

function App() {
  const [uploads, setUploads] = useState<Upload[]>([]);
  useEffect(() => {
    uploader.interrupted().then(setUploads);
  }, []);
  const begin = (file: File) => setUploads([uploader.upload(file, { context: "from React" }), ...uploads]);
  // Two files can have the same name, so a row has its number; the newest upload is in front.
  const rows = uploads.map((upload, place) => <Row key={uploads.length - place} upload={upload} />);
  return (
    <>
      <Choice text="Choose a video" onFile={begin} />
      <ul>{rows}</ul>
    </>
  );
}

createRoot(document.querySelector("#app") as HTMLElement).render(<App />);
