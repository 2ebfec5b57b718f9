/* Numbers as links: a panel says of each number where it comes from. What it says is on the page; nothing is loaded. */
(function () {
  "use strict";
  var NUMBERS = "main [data-key] data[value]:not([value=''])";

  document.addEventListener("DOMContentLoaded", function () {
    var source = document.getElementById("numbers-record");
    function showCode() {
      var cell = document.getElementById(decodeURIComponent(location.hash.slice(1)));
      if (cell && cell.matches("details.code")) {
        cell.open = true;
        cell.querySelector("summary").focus();
      }
    }
    addEventListener("hashchange", showCode);
    showCode();
    if (!source) { return; }
    var record = JSON.parse(source.textContent), say = record.words, panel = made("dialog");

    function made(tag, content, attributes) {
      var element = document.createElement(tag);
      element.append.apply(element, [].concat(content || []));
      Object.keys(attributes || {}).forEach(function (name) { element.setAttribute(name, attributes[name]); });
      return element;
    }
    function filled(text, fields) {
      return text.replace(/\{(\w+)\}/g, function (_, name) { return fields[name]; });
    }

    /* In a sentence a number has its name, in a table that of its place. */
    function place(number) {
      var key = number.closest("[data-key]").dataset.key, page = key.split("/")[0];
      var facts = record.exhibits[key], cell = number.closest("td, th"), name = number.dataset.name;
      if (name === undefined) {
        var row = cell.parentNode.rowIndex, columns = (facts.rows && facts.rows[row]) || facts.columns;
        var column = columns[cell.cellIndex][Array.from(cell.querySelectorAll("data")).indexOf(number)];
        name = key.split("/")[1] + "[" + row + "]." + column;
      }
      return { key: key, page: page, facts: facts, name: page + "/" + name, row: row, column: column,
        rest: (page + "/" + name).slice(key.length) };
    }
    function compared(at) {
      if (at.facts.alone) { return say.alone; }
      if (say.uncompared) { return say.uncompared; }
      var moved = at.facts.moved || {};
      if (!(at.rest in moved)) { return say.reproduced; }
      return moved[at.rest] === null ? say.new : filled(say.moved, { number: moved[at.rest] });
    }
    /* The cell of a table with the number of a sentence; whole numbers agree by chance. */
    function twin(number) {
      if (Number.isInteger(Number(number.value))) { return null; }
      return Array.from(document.querySelectorAll("td > data")).find(function (other) {
        return other.value === number.value;
      });
    }

    function show(number) {
      var at = place(number), other = at.facts.csv ? null : twin(number), of = other ? place(other) : at;
      var rows = made("dl"), anchor = "cell-" + at.facts.cell;
      function row(label, content) { rows.append(made("div", [made("dt", label), made("dd", content)])); }
      row(say.full, made("code", number.value));
      row(say.name, made("code", at.name));
      if (of.facts.csv) {
        var exhibit = document.querySelector('[data-key="' + of.key + '"]');
        var called = exhibit.querySelector(".number").textContent.trim(), tag = exhibit.querySelector(".tag");
        var stands = of.row ? filled(say.place, { exhibit: called, row: of.row, column: of.column }) : called;
        row(other ? say.same : say.stands, [made("a", stands, { href: "#" + exhibit.id }), tag ? " (" + tag.textContent + ")" : ""]);
      }
      row(say.reference, compared(at));
      if (of.facts.csv) {
        var file = of.key.split("/")[1] + ".csv";
        var save = made("button", filled(say.save, { file: file }), { type: "button" });
        save.addEventListener("click", function () {
          var link = made("a", [], { download: file });
          link.href = URL.createObjectURL(new Blob([of.facts.csv], { type: "text/csv" }));
          link.click();
          setTimeout(function () { URL.revokeObjectURL(link.href); }, 1000);
        });
        row(say.file, save);
      }
      var code = filled(say.cell, { cell: at.facts.cell, page: at.page });
      row(say.made, made("a", code, { href: (document.getElementById(anchor) ? "" : at.page + ".html") + "#" + anchor }));
      document.querySelectorAll("[data-fact]").forEach(function (fact) {
        row(say[fact.dataset.fact], Array.from(fact.querySelector("dd").cloneNode(true).childNodes));
      });
      var close = made("button", say.close, { type: "button", class: "close" });
      close.addEventListener("click", function () { panel.close(); });
      panel.replaceChildren(made("h2", number.textContent, { id: "asked", tabindex: "-1", autofocus: "" }), close, rows);
      panel.showModal();
      var box = number.getBoundingClientRect(), room = document.documentElement;
      var below = box.bottom + 8 + panel.offsetHeight <= room.clientHeight;
      panel.style.left = Math.max(8, Math.min(box.left, room.clientWidth - panel.offsetWidth - 8)) + "px";
      panel.style.top = Math.max(8, below ? box.bottom + 8 : box.top - 8 - panel.offsetHeight) + "px";
    }

    panel.id = "about-number";
    panel.setAttribute("aria-labelledby", "asked");
    document.body.append(panel);
    panel.addEventListener("click", function (event) {
      if (event.target.closest("a")) {
        panel.close();
        setTimeout(showCode);
      } else if (event.target === panel) { /* beside it: on another number, perhaps */
        var box = panel.getBoundingClientRect(), x = event.clientX, y = event.clientY;
        if (x >= box.left && x <= box.right && y >= box.top && y <= box.bottom) { return; }
        panel.close();
        ask(document.elementFromPoint(x, y));
      }
    });

    function ask(element) {
      var number = element && element.closest(NUMBERS);
      if (!number || number.closest("a, summary") || !getSelection().isCollapsed) { return false; }
      show(number);
      return true;
    }
    document.addEventListener("click", function (event) { ask(event.target); });

    /* With the switch on, numbers are buttons: each one of a sentence is a tab stop, those of a table are one together. */
    var wanted = document.getElementById("link-numbers");
    function setButtons() {
      var tables = new Set();
      document.querySelectorAll(NUMBERS).forEach(function (number) {
        var table = number.closest("td") && number.closest("table");
        if (!wanted.checked) {
          ["role", "tabindex", "aria-label", "aria-haspopup"].forEach(function (name) { number.removeAttribute(name); });
          return;
        }
        number.setAttribute("role", "button");
        number.setAttribute("aria-haspopup", "dialog");
        number.setAttribute("aria-label", filled(say.ask, { number: number.textContent }));
        number.tabIndex = tables.has(table) ? -1 : 0;
        if (table) { tables.add(table); }
      });
    }
    function step(number, key) {
      function within(element) { return Array.from(element.querySelectorAll("td > data[role]")); }
      var cell = number.closest("td"), row = cell.parentNode, all = within(row.parentNode), there;
      if (key === "ArrowLeft" || key === "ArrowRight") { return all[all.indexOf(number) + (key === "ArrowLeft" ? -1 : 1)]; }
      if (key === "Home" || key === "End") { return within(row).at(key === "Home" ? 0 : -1); }
      do {
        row = key === "ArrowUp" ? row.previousElementSibling : row.nextElementSibling;
        there = row ? within(row).filter(function (one) { return one.parentNode.cellIndex === cell.cellIndex; }) : [];
      } while (row && !there.length);
      return there[within(cell.parentNode).filter(function (one) { return one.parentNode === cell; }).indexOf(number)] || there[0];
    }
    document.addEventListener("keydown", function (event) {
      var number = event.target.closest && event.target.closest("data[role=button]");
      if (!number || event.altKey || event.ctrlKey || event.metaKey) { return; }
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        show(number);
      } else if (number.closest("td") && /^(Arrow|Home$|End$)/.test(event.key)) {
        event.preventDefault();
        var next = step(number, event.key);
        if (!next) { return; }
        number.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
      }
    });
    wanted.closest("label").hidden = false;
    try { wanted.checked = localStorage.getItem("numbers") === "linked"; } catch (e) { /* private window */ }
    setButtons();
    wanted.addEventListener("change", function () {
      setButtons();
      try { localStorage.setItem("numbers", wanted.checked ? "linked" : "plain"); } catch (e) { /* private window */ }
    });
  });
})();
