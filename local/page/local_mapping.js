// ONLY FOR THE LOCAL STACK: never ship this with an app.
//
// The Web SDK has its hosts built in. This script, loaded before the SDK, sends what is meant for VOD
// and its object storage to the simulator that this script comes from: https://vod2.qcloud.com/v3/… becomes
// /local/vod/vod2.qcloud.com/v3/…. The SDK stays as published, and its storage signatures stay valid,
// because they sign the path without that prefix. `?mapping=off` leaves the network alone, for a
// browser that resolves those hosts to the simulator by name.

(() => {
  if (new URLSearchParams(location.search).get("mapping") === "off") return;

  const CONTROL_HOSTS = new Set(["vod2.qcloud.com", "vod2.dnsv1.com", "vodreport.qcloud.com"]);
  const STORAGE_HOST = /\.(myqcloud\.com|tencentcos\.cn)$/;

  // A browser keeps six connections per host. On one host, parts would keep a call to VOD waiting for
  // longer than the SDK does; so they go to this machine by its other name, as they really go elsewhere.
  const OTHER_NAME = { "127.0.0.1": "localhost", localhost: "127.0.0.1" };
  const stack = new URL(document.currentScript.src);
  const storage = new URL(stack);
  storage.hostname = OTHER_NAME[stack.hostname] ?? stack.hostname;

  function mapped(address) {
    const url = new URL(address, location.href);
    const isStorage = STORAGE_HOST.test(url.hostname);
    if (!isStorage && !CONTROL_HOSTS.has(url.hostname)) return address;
    const origin = isStorage ? storage.origin : stack.origin;
    return `${origin}/local/vod/${url.hostname}${url.pathname}${url.search}`;
  }

  const open = XMLHttpRequest.prototype.open;
  XMLHttpRequest.prototype.open = function (method, address, ...rest) {
    return open.call(this, method, mapped(address), ...rest);
  };

  const fetch = globalThis.fetch;
  globalThis.fetch = (resource, options) =>
    resource instanceof Request
      ? fetch(new Request(mapped(resource.url), resource), options)
      : fetch(mapped(resource), options);
})();
