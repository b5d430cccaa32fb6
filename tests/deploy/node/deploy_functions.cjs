// What the engine's component does with the inputs it is sent, by the library it does it with:
// functions first, then triggers (scf-platform 3.4). Reads the inputs from standard input.
"use strict";
const { Scf, TriggerManager } = require("tencent-component-toolkit");

const credentials = { SecretId: "AKIDexample", SecretKey: "example" };

async function deploy({ prefix, stage, inputs }) {
  const { functions, triggers, region, src: _uploaded, srcOriginal: _local, ...common } = inputs;
  const names = Object.fromEntries(Object.keys(functions).map((key) => [key, `${prefix}-${key}`]));
  const scf = new Scf(credentials, region);
  for (const [key, own] of Object.entries(functions)) {
    const { environments, vpc, src, ...settings } = { ...common, ...own };
    // One without a value is kept, and sent as the text "undefined".
    const variables = environments.map(({ key, value }) => [key, value?.replace("${stage}", stage)]);
    await scf.deploy({
      ...settings,
      name: names[key],
      namespace: "default",
      code: { bucket: "code", object: `/${src.replace("./", "")}.zip` },
      environment: { variables: Object.fromEntries(variables) },
      vpcConfig: vpc,
      ignoreTriggers: true,
    });
  }
  await new TriggerManager(credentials, region).bulkCreateTriggers(
    triggers.map((trigger) => ({
      ...trigger,
      namespace: "default",
      function: { name: names[trigger.function], type: "event" },
    })),
  );
}

let text = "";
process.stdin.on("data", (chunk) => {
  text += chunk;
});
process.stdin.on("end", async () => {
  try {
    const { times, ...given } = JSON.parse(text);
    for (let time = 0; time < times; time++) await deploy(structuredClone(given));
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
});
