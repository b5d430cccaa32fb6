// Run the React Native example of docs/clients.md: node run_example.mjs EXAMPLE JOB
//
// "react-native" is a stub that stands beside the example. JOB is JSON: `path`, `service`, `token`.
import { pathToFileURL } from "node:url";

const [example, job] = process.argv.slice(2);
const { upload } = await import(pathToFileURL(example));
const options = JSON.parse(job);
const outcome = await upload(options.path, options).catch((error) => ({ error: error.message }));
console.log(JSON.stringify(outcome));
