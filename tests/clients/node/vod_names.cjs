// Preloaded into Node: every TLS connection goes to the stack's TLS port, under the name that was meant.
"use strict";
const tls = require("node:tls");

const port = Number(process.env.STACK_TLS_PORT);
const connect = tls.connect;

tls.connect = (options, ...rest) =>
  connect({ ...options, servername: options.servername || options.host, host: "127.0.0.1", port }, ...rest);
