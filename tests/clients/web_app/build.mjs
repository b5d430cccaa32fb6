// Bundle this app, whose stack is in VITE_ENDPOINT, into dist/, and print what createUploader weighs, and what the
// element does with its largest language: bytes, minified and gzipped.

import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { build } from "vite";

const uploader = await chunksOf("vod-upload-client");
const [element, ...texts] = await chunksOf("vod-upload-client/element");
const languages = ["en", "ko", "zh-CN"].map((tag) => sum(texts.filter(({ name }) => name === tag)));
console.log(sum(uploader), element.size + Math.max(...languages));

async function chunksOf(input) {
  const bundle = await rolldown({ input, external: ["vod-js-sdk-v6"] });
  const { output } = await bundle.generate({ minify: true });
  return output.map(({ name, code }) => ({ name, size: gzipSync(code, { level: 9 }).length }));
}

function sum(chunks) {
  return chunks.reduce((total, { size }) => total + size, 0);
}

await build({ base: "./", logLevel: "error", build: { minify: false, chunkSizeWarningLimit: 9999 } });
