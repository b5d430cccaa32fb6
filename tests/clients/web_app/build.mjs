// Bundle this app, whose stack is in VITE_ENDPOINT, into dist/, and print what createUploader weighs: bytes, minified and gzipped.

import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import { build } from "vite";

const bundle = await rolldown({ input: "vod-upload-client", external: ["vod-js-sdk-v6"] });
const { output } = await bundle.generate({ minify: true });
console.log(gzipSync(output[0].code, { level: 9 }).length);

await build({ base: "./", logLevel: "error", build: { minify: false, chunkSizeWarningLimit: 9999 } });
