// The part of WeChat's `wx` that the mini program SDK uses, over Node: requests, files, storage.
//
// Every request goes to one port of this machine, in plain HTTP, with the Host that its URL names.
// As in WeChat, `success` hears of any status, `fail` of a connection without an answer, and a task that is
// aborted fails; what the storage holds is in a file, so that it outlives the process.
"use strict";
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");

// `before({ url, method, header })` is awaited ahead of each request; where it says "lose", the request is sent
// and fails when its reply is there.
function createWx({ port, storage, libraryVersion, before = async () => "send" }) {
  const system = {
    brand: "devtools",
    model: "Node",
    version: "8.0.50",
    system: "iOS 18",
    platform: "devtools",
  };
  const info = { ...system, SDKVersion: libraryVersion };
  const kept = fs.existsSync(storage) ? JSON.parse(fs.readFileSync(storage, "utf8")) : {};
  const keep = () => fs.writeFileSync(storage, JSON.stringify(kept));

  function request(options) {
    const { method = "GET", data, dataType = "json" } = options;
    const header = { "content-type": "application/json", ...lowerCase(options.header) };
    const answered = ({ status, headers, text }) => {
      options.success?.({
        data: dataType === "json" ? parsed(text) : text,
        statusCode: status,
        header: headers,
      });
    };
    return send({ ...options, method, header }, encoded(data), answered);
  }

  function uploadFile(options) {
    const boundary = "----wx-runtime";
    const fields = Object.entries(options.formData ?? {}).map(
      ([name, value]) =>
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    );
    const file = path.basename(options.filePath);
    const media = `--${boundary}\r\nContent-Disposition: form-data; name="${options.name}"; filename="${file}"\r\n`;
    const head = `${fields.join("")}${media}Content-Type: application/octet-stream\r\n\r\n`;
    const body = Buffer.concat([
      Buffer.from(head),
      fs.readFileSync(options.filePath),
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);
    const header = {
      ...lowerCase(options.header),
      "content-type": `multipart/form-data; boundary=${boundary}`,
    };
    let listener = () => {};
    const answered = ({ status, headers, text }) => {
      listener({ progress: 100, totalBytesSent: body.length, totalBytesExpectedToSend: body.length });
      options.success?.({ data: text, statusCode: status, header: headers });
    };
    const task = send({ ...options, method: "POST", header }, body, answered);
    return {
      ...task,
      onProgressUpdate: (heard) => {
        listener = heard;
      },
    };
  }

  function send({ url, method, header, fail, complete }, body, answered) {
    const target = new URL(url);
    let sent = null;
    let ended = false;
    const end = (report) => {
      if (ended) return;
      ended = true;
      report();
      complete?.();
    };
    const failed = (reason) => end(() => fail?.({ errMsg: `request:fail ${reason}` }));
    before({ url, method, header }).then((fate) => {
      if (ended) return;
      const headers = { ...header, host: target.host, "content-length": body.length };
      const wanted = { host: "127.0.0.1", port, method, path: target.pathname + target.search, headers };
      sent = http.request(wanted, (response) => {
        const blocks = [];
        response.on("data", (block) => blocks.push(block));
        response.on("end", () => {
          const text = Buffer.concat(blocks).toString("utf8");
          if (fate === "lose") failed("the reply was lost");
          else end(() => answered({ status: response.statusCode, headers: response.headers, text }));
        });
      });
      sent.on("error", (error) => failed(error.message));
      sent.end(body);
    });
    const abort = () => {
      failed("abort");
      sent?.destroy();
    };
    return { abort, onHeadersReceived: () => {}, onProgressUpdate: () => {} };
  }

  const files = {
    stat: ({ path: file, success, fail }) =>
      settle(success, fail, "stat", () => {
        const found = fs.statSync(file);
        const isDirectory = () => found.isDirectory();
        return {
          stats: { isDirectory, size: found.size, lastModifiedTime: Math.trunc(found.mtimeMs / 1000) },
        };
      }),
    readFile: ({ filePath, position = 0, length, success, fail }) =>
      settle(success, fail, "readFile", () => ({ data: bytesOf(filePath, position, length) })),
  };

  return {
    request,
    uploadFile,
    getFileSystemManager: () => files,
    getFileInfo: ({ filePath, success, fail }) =>
      settle(success, fail, "getFileInfo", () => ({ size: fs.statSync(filePath).size })),
    getSystemInfoSync: () => info,
    getSystemInfo: ({ success }) => success(info),
    getNetworkType: ({ success }) => success({ networkType: "wifi" }),
    onNetworkStatusChange: () => {},
    canIUse: () => true,
    getStorageSync: (name) => kept[name] ?? "",
    setStorageSync: (name, value) => {
      kept[name] = value;
      keep();
    },
    removeStorageSync: (name) => {
      delete kept[name];
      keep();
    },
  };
}

// As in WeChat, nothing is called back before the call has returned.
function settle(success, fail, call, work) {
  setImmediate(() => {
    let result;
    try {
      result = work();
    } catch (error) {
      fail?.({ errMsg: `${call}:fail ${error.message}` });
      return;
    }
    success?.(result);
  });
}

function bytesOf(file, position, length = fs.statSync(file).size - position) {
  const bytes = new Uint8Array(length);
  const opened = fs.openSync(file, "r");
  try {
    fs.readSync(opened, bytes, 0, length, position);
  } finally {
    fs.closeSync(opened);
  }
  return bytes.buffer;
}

function encoded(data) {
  if (data === undefined || data === null) return Buffer.alloc(0);
  if (typeof data === "string") return Buffer.from(data);
  return data instanceof ArrayBuffer ? Buffer.from(data) : Buffer.from(JSON.stringify(data));
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text; // as WeChat does with what is no JSON
  }
}

function lowerCase(header = {}) {
  return Object.fromEntries(Object.entries(header).map(([name, value]) => [name.toLowerCase(), value]));
}

module.exports = { createWx };
