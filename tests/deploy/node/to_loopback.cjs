// Preloaded into Node: every request goes to a server on this machine, which is told what host was meant.
"use strict";
const http = require("node:http");
const https = require("node:https");

const port = Number(process.env.LOOPBACK_PORT);
const send = http.request;

function request(...given) {
  const answered = given.find((argument) => typeof argument === "function");
  const options = Object.assign({}, ...given.filter((argument) => argument !== answered).map(spelledOut));
  const meant = String(options.host || options.hostname);
  const { method, path } = options;
  const headers = { ...options.headers, "x-meant-host": meant };
  return send({ host: "127.0.0.1", port, method, path, headers }, answered);
}

function spelledOut(target) {
  if (typeof target !== "string" && !(target instanceof URL)) return target;
  const url = new URL(target);
  return { host: url.host, path: url.pathname + url.search };
}

function get(...given) {
  const started = request(...given);
  started.end();
  return started;
}

Object.assign(http, { request, get });
Object.assign(https, { request, get });
