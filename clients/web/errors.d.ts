import type { Language } from "./texts/index.js";

/** One entry of the catalogue, in one language. */
export interface VodErrorExplanation {
  readonly code: string;
  /** Who answers with it: VOD's upload calls, an SDK for Android or iOS, or the storage (COS). */
  readonly from: "vod" | "mobile" | "storage";
  /** How the code is known; `assumed`: the number is that of the simulated VOD alone. */
  readonly basis: "documented" | "source" | "reported" | "assumed";
  readonly source: string;
  readonly cause: string;
  readonly cure: string;
}

/** Explain a code, or what an SDK has thrown or answered; null if the catalogue does not have it. */
export declare function explainVodError(error: unknown, language?: string): VodErrorExplanation | null;

export declare const KNOWN_ERRORS: Readonly<
  Record<string, Pick<VodErrorExplanation, "from" | "basis" | "source">>
>;
/** By language and code: [cause, cure]. */
export declare const ERROR_TEXTS: Readonly<
  Record<Language, Readonly<Record<string, readonly [cause: string, cure: string]>>>
>;
