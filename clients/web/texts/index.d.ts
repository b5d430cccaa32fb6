import type { Texts } from "../index.js";

export type Language = "en" | "ko" | "zh-CN";
export declare const LANGUAGES: Readonly<Record<Language, Texts>>;

/** The supported language nearest to a language tag; the browser's by default. */
export declare function languageOf(tag?: string): Language;
export declare function textsFor(tag?: string): Texts;
