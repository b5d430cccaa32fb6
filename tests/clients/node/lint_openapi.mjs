// Lint an OpenAPI document by Redocly's recommended rules: each problem is a line, `error` or `warn` first.

import { createConfig, lint } from "@redocly/openapi-core";

const config = await createConfig({ extends: ["recommended"] });
for (const problem of await lint({ ref: process.argv[2], config })) {
  const pointer = problem.location[0]?.pointer ?? "";
  console.log(`${problem.severity} ${problem.ruleId} ${pointer}: ${problem.message.replaceAll("\n", " ")}`);
}
