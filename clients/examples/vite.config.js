// Serve the pages: `npx vite --port 5173`, then http://localhost:5173/react/ or /vue/.

import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

export default defineConfig({ plugins: [vue()], oxc: { jsx: { runtime: "automatic" } } });
