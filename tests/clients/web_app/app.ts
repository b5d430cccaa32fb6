// An app of one's own in strict TypeScript: what a person does here is called by the tests.

import { createUploader, type Upload, type UploadFailure, type UploadStatus } from "vod-upload-client";
import { explainVodError, type VodErrorExplanation } from "vod-upload-client/errors";
import { LANGUAGES, type Language } from "vod-upload-client/texts";
import ko from "vod-upload-client/texts/ko";

const endpoint = document.documentElement.getAttribute("data-endpoint") ?? "";

async function tokenProvider(): Promise<string> {
  return (await fetch(`${endpoint}/local/token?user=alice`)).text();
}

const element = document.querySelector("vod-upload");
if (element === null) throw new Error("The page has no <vod-upload>.");
// Before the element is defined, as an app may do that loads it later.
element.tokenProvider = tokenProvider;
void import("vod-upload-client/element");
element.addEventListener("vod-uploaded", ({ detail }) => {
  document.title = detail.server?.fileId ?? "no file";
});

let upload: Upload | undefined;
const uploader = createUploader({ endpoint, tokenProvider, user: "alice", texts: ko });

function chosen(): File {
  const file = document.querySelector<HTMLInputElement>("#file")?.files?.[0];
  if (file === undefined) throw new Error("No file was chosen.");
  return file;
}

const driven = {
  begin(): void {
    upload = uploader.upload(chosen(), { policy: "default", context: "lesson 3" });
  },
  stage: () => upload?.stage,
  failure: () => upload?.failure?.title,
  fraction: () => upload?.fraction,
  pause: () => upload?.pause(),
  resume: () => upload?.resume(),
  cancel: async (): Promise<string> => {
    await upload?.cancel();
    return upload?.done.then(
      () => "done",
      (error: Error) => error.name,
    ) as Promise<string>;
  },
  done: async (): Promise<string | null> => {
    const status: UploadStatus | undefined = await upload?.done;
    return status?.fileId ?? null;
  },
  // What the catalogue says of a code.
  explained(code: number, language: Language): VodErrorExplanation["cause"] | undefined {
    return explainVodError(code, language)?.cause;
  },
  // What a refused policy is called in a language.
  async refused(language: Language): Promise<UploadFailure | null> {
    const speaking = createUploader({ endpoint, tokenProvider, texts: LANGUAGES[language] });
    const refused = speaking.upload(chosen(), { policy: "nobody's" });
    await refused.done.catch(() => undefined);
    return refused.failure;
  },
};

declare global {
  var app: Record<string, (...values: never[]) => unknown>;
}
globalThis.app = driven;
