// For a browser that cannot run the page's modules, and for a page that could not start: one sentence.
// A classic script in the syntax of 2015, because it has to run where the rest does not.

addEventListener("load", () => {
  const started = document.documentElement.hasAttribute("data-started");
  document.getElementById("too-old").hidden = started;
});
