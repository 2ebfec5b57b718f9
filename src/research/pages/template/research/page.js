(function () {
  "use strict";
  var root = document.documentElement;
  function remembered(name) { try { return localStorage.getItem(name); } catch (e) { return null; } }
  function remember(name, value) { try { localStorage.setItem(name, value); } catch (e) { /* private window */ } }
  function isDark() {
    var chosen = root.getAttribute("data-theme");
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }
  if (/^(dark|light)$/.test(remembered("theme") || "")) { root.setAttribute("data-theme", remembered("theme")); }

  document.addEventListener("DOMContentLoaded", function () {
    var theme = document.getElementById("theme");
    function showTheme() { theme.setAttribute("aria-pressed", String(isDark())); }
    theme.hidden = false;
    showTheme();
    theme.addEventListener("click", function () {
      var next = isDark() ? "light" : "dark";
      root.setAttribute("data-theme", next);
      remember("theme", next);
      showTheme();
    });

    var code = document.getElementById("show-code");
    function showCode() {
      document.querySelectorAll("details.code").forEach(function (cell) { cell.open = code.checked; });
    }
    if (code) {
      code.checked = remembered("code") === "shown";
      if (code.checked) { showCode(); }
      code.addEventListener("change", function () {
        showCode();
        remember("code", code.checked ? "shown" : "hidden");
      });
    }

    var contents = document.getElementById("contents");
    var wide = matchMedia("(min-width: 70rem)");
    function showContents() { if (contents) { contents.open = wide.matches; } }
    showContents();
    wide.addEventListener("change", showContents);
    if (contents) {
      contents.addEventListener("click", function (event) {
        if (!wide.matches && event.target.closest("a")) { contents.open = false; }
      });
    }

    var links = {};
    document.querySelectorAll(".sections a").forEach(function (link) { links[link.hash.slice(1)] = link; });
    var seen = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (!entry.isIntersecting) { return; }
        Object.keys(links).forEach(function (id) { links[id].classList.toggle("here", id === entry.target.id); });
      });
    }, { rootMargin: "0px 0px -70% 0px" });
    document.querySelectorAll("main h2[id], main h3[id]").forEach(function (heading) {
      if (links[heading.id]) { seen.observe(heading); }
    });
  });
})();
