/** What a request for an upload signature may ask for; the policy decides what of it is allowed. */
export interface UploadWish {
  policy?: string;
  context?: string;
  procedure?: string;
  storageRegion?: string;
  classId?: number;
  /** Digests of the file in hex, which VOD's own are compared with: the app's back end hears of the result. */
  md5?: string;
  sha1?: string;
}

export interface UploaderOptions {
  /** The token of the signed-in user; with `renew`, a fresh one, because the last was refused. */
  tokenProvider: (options: { renew: boolean; user: string }) => string | Promise<string>;
  /** The address of the functions, without a slash at the end; this page's own origin by default. */
  endpoint?: string;
  /** Who is signed in: interrupted uploads of others in this browser are not shown. */
  user?: string;
  /** The words of failures: a language of `vod-upload-client/texts`. Without it they are codes. */
  texts?: Texts;
  /** Another copy of the Web SDK than the package `vod-js-sdk-v6`. */
  TcVod?: unknown;
}

export interface Uploader {
  /** Begin an upload. */
  upload(media: File, options?: UploadWish & { cover?: File | null }): Upload;
  /** The uploads of this user that a reload or a closed tab has cut off; go on with `continueWith`. */
  interrupted(): Promise<Upload[]>;
  /** Why VOD cannot take this file, as a sentence; null if it can. */
  refusal(file: File): string | null;
}

export declare function createUploader(options: UploaderOptions): Uploader;

export type UploadStage =
  | "interrupted"
  | "starting"
  | "sending"
  | "finishing"
  | "following"
  | "settled"
  | "paused"
  | "failed"
  | "cancelling"
  | "cancelled";

/** Dispatches "change" whenever one of its members has changed. */
export declare class Upload extends EventTarget {
  private constructor();
  readonly stage: UploadStage;
  readonly uploadId: string | null;
  /** From 0 to 1, media and cover together. */
  readonly fraction: number;
  /** Bytes, and bytes per second. */
  readonly progress: Partial<Record<"media" | "cover", TransferProgress>>;
  /** The last answer of the status endpoint. */
  readonly server: UploadStatus | null;
  readonly failure: UploadFailure | null;
  readonly record: {
    readonly user: string;
    readonly media: { readonly name: string; readonly size: number };
    readonly cover: { readonly name: string; readonly size: number } | null;
  };
  /** Whether `pause`, `resume` and `cancel` can be called at the moment. */
  readonly pausable: boolean;
  readonly resumable: boolean;
  readonly cancellable: boolean;
  /** Settles with the final status; rejects when the upload is cancelled or cannot go on. */
  readonly done: Promise<UploadStatus>;
  pause(): void;
  /** Go on after a pause, or try again after a failure. */
  resume(): Promise<void>;
  cancel(): Promise<void>;
  /** Go on with the same files after a reload; answers why not, or null. */
  continueWith(files: { media: File; cover?: File | null }): Promise<string | null>;
  /** Forget it, and ask for its status no more. */
  dismiss(): void;
}

export interface TransferProgress {
  readonly loaded: number;
  readonly total: number;
  readonly speed: number;
  readonly sent: boolean;
}

/** The answer of GET /uploads/{uploadId}. */
export interface UploadStatus {
  readonly uploadId: string;
  readonly state: "issued" | "uploaded" | "processing" | "ready" | "failed" | "cancelled" | "expired";
  readonly final: boolean;
  readonly fileId: string | null;
  readonly mediaUrl: string | null;
  readonly coverUrl: string | null;
  readonly [member: string]: unknown;
}

export type FailureCode =
  | "invalid"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "too_large"
  | "rate_limited"
  | "unavailable"
  | "refused"
  | "vod_10001"
  | "vod_10004"
  | "vod_10010"
  | "signature_used"
  | "offline"
  | "connection_lost"
  | "fault"
  | "failed"
  | "expired"
  | "ended";

/** By code: what happened, and what to do. */
export type Texts = Readonly<
  Record<FailureCode | FileCode, readonly [title: string | null, advice?: string]>
>;

/** Why a file is not taken. */
export type FileCode = "file_empty" | "file_no_type" | "other_file" | "no_cover" | "other_tab";

export interface UploadFailure {
  readonly code: FailureCode;
  /** What happened and what to do, in the uploader's texts. */
  readonly title: string;
  readonly advice: string;
  /** The answers that were given, as they were given. */
  readonly reasons: readonly string[];
  /** Whether trying again with this upload is pointless. */
  readonly over: boolean;
  /** Whether it goes on by itself once there is a connection. */
  readonly network?: boolean;
  /** The problem document of the service (RFC 9457). */
  readonly problem?: Problem;
  readonly cause?: unknown;
}

export interface Problem {
  readonly status: number;
  readonly title?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

/** The code and the words for anything that was thrown during an upload. */
export declare function explain(error: unknown, texts?: Texts): UploadFailure;

export declare class UploadSignatureError extends Error {
  readonly problem: Problem | null;
  readonly retryAfter: number | null;
  readonly temporary: boolean;
}

/** Upload signatures alone, for an own use of the SDK: give `getSignature` to it. */
export declare function createSignatureSource(options: {
  url: string;
  authorization: (options: { renew: boolean }) => string | Promise<string>;
  request?: UploadWish & { fileName?: string; fileSize?: number; fileType?: string };
  uploadId?: string | null;
  onUploadId?: (uploadId: string) => void;
}): { readonly getSignature: () => Promise<string>; readonly uploadId: string | null };

/** One run of the SDK over one file; to go on later, start another with the last `sessionKey`. */
export declare function startTransfer(options: {
  TcVod: unknown;
  media: File;
  cover: File | null;
  sessionKey: string | null;
  onSession: (key: string | null) => void;
  getSignature: () => Promise<string>;
  onProgress: (role: "media" | "cover", progress: { loaded: number; total: number; percent: number }) => void;
  onSent: (role: "media" | "cover") => void;
  onDone: (result: { fileId: string; video: { url: string } }) => void;
  onFailure: (error: unknown) => void;
}): { stop(): void };
