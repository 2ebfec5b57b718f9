/* Comments of a reader: marked, written, kept and downloaded in the browser. Nothing leaves it. */
document.addEventListener("DOMContentLoaded", () => {
  "use strict";
  const one = (selector, root = document) => root.querySelector(selector);
  const panel = one("#comments");
  if (!panel) { return; }
  const main = one("#main"), dialog = one("#comment"), mark = one("#comment-mark"), toggle = one("#comments-open");
  const [written, by, quoted] = ["textarea", "input", "blockquote"].map((tag) => one(tag, dialog));
  const words = panel.dataset, key = `comments ${words.run}`;
  const LINES = "caption, figcaption, p, li, tr", OURS = "button, script, noscript, .anchor", AROUND = 32, MOST = 20000;
  const BLOCKS = `${LINES}, td, th, dt, dd, h1, h2, h3, h4, pre`;
  let kept = [], storing = true, unsaved = false, writing = null;

  const filled = (text, given) => text.replace(/\{(\w+)\}/g, (_, name) => given[name]);
  const say = (text, given) => { one("#comments-said").textContent = filled(text, given); };
  const bare = (text) => text.replace(/\s+/g, "");
  const unbroken = (text) => text.replace(/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g, ""); // halves of a letter at a cut
  const tidy = (text) => text.replace(/\s+/g, " ").trim();
  const last = (before, node) => before.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING;
  const block = (node) => node.parentElement.closest(BLOCKS) || node.parentElement;
  const fragment = (comment) => comment.target.selector[0].value, quote = (comment) => comment.target.selector[1];
  const whole = (comment) => !("prefix" in quote(comment)); // of an exhibit or section, not of a passage
  const date = (comment) => comment.modified || comment.created || "";
  const here = () => kept.filter((comment) => comment.target.source === words.page);

  function remembered(name) { try { return localStorage.getItem(name); } catch (e) { return null; } }
  function remember(name, value) { try { localStorage.setItem(name, value); return true; } catch (e) { return false; } }
  function change(list) {
    kept = list;
    storing = remember(key, JSON.stringify(kept));
    unsaved = true;
    show();
  }
  function recall() { // another tab, or another page of the report, may have written since
    try { if (storing) { kept = JSON.parse(remembered(key)) || kept; } } catch (e) { /* not ours */ }
    return kept;
  }

  /* Every letter of the page but spaces, with the node and the place where it stands and whether a space is before it. */
  function letters(code) {
    const passed = code ? OURS : `${OURS}, .code`, at = [];
    const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT,
      (node) => node.parentElement.closest(passed) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
    let text = "", space = false, before = null;
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (block(node) !== before) { [space, before] = [true, block(node)]; }
      for (const { 0: found, index } of node.data.matchAll(/\s+|\S/g)) {
        if (found.trim()) { text += found; at.push([node, index, space]); }
        space = !found.trim();
      }
    }
    return { text, at };
  }
  const shown = (at, from, to) => unbroken(at.slice(Math.max(from, 0), to)
    .map(([node, i, space]) => (space ? " " : "") + node.data[i]).join("").trim());
  /* The lines of an exhibit; a row of a table is a line, its cells are parted by tabs. */
  function lines(element) {
    const read = (line) => {
      const copy = line.cloneNode(true);
      copy.querySelectorAll(OURS).forEach((own) => own.remove());
      return tidy(copy.textContent);
    };
    const held = [...element.querySelectorAll(LINES)], found = held.filter((line) => !line.parentElement.closest(LINES));
    const text = found.map((line) => line.cells ? [...line.cells].map(read).join("\t") : read(line)).join("\n");
    return unbroken((text || read(element)).slice(0, MOST));
  }
  function named(element) {
    const found = one(".number, .kicker", element);
    return found ? tidy(found.textContent) : `“${lines(element).replace(/^((?:\S+\s+){5}\S+)[^]*/, "$1 …")}”`;
  }
  /* The element with an anchor that holds a place, else the heading before it. */
  function anchor(node) {
    const headings = [...main.querySelectorAll(":is(h1, h2, h3, h4)[id]")].reverse();
    return node.parentElement.closest("#main [id]:not(data, a, span, button)") ||
      headings.find((heading) => last(heading, node)) || main;
  }
  function target(element, text) {
    return { source: words.page, "dcterms:isPartOf": `urn:sha256:${words.run}`, selector: [
      { type: "FragmentSelector", conformsTo: "http://tools.ietf.org/rfc/rfc3236", value: element.id },
      { type: "TextQuoteSelector", ...text }] };
  }
  function selected() {
    const chosen = getSelection(), range = chosen.rangeCount ? chosen.getRangeAt(0) : null;
    return range && /\S/.test(chosen.toString()) && main.contains(range.commonAncestorContainer) ? range : null;
  }
  const exhibit = (element) => target(element, { exact: lines(element) });
  function passage() {
    const range = selected();
    if (!range) { return null; }
    const { at } = letters(block(range.startContainer).closest(".code"));
    const from = at.findIndex(([node, i]) => range.comparePoint(node, i) >= 0);
    const to = at.findLastIndex(([node, i]) => range.comparePoint(node, i + 1) <= 0) + 1;
    return from >= 0 && from < to ? target(anchor(at[from][0]), { exact: shown(at, from, to),
      prefix: shown(at, from - AROUND, from), suffix: shown(at, to, to + AROUND) }) : null;
  }
  /* Where a comment stands on the page now: an element and, for a passage, a range; null when it is gone. */
  function place(comment, texts) {
    const element = document.getElementById(fragment(comment));
    if (whole(comment)) { return element && { element }; }
    const [exact, before, after] = [quote(comment).exact, quote(comment).prefix, quote(comment).suffix || ""].map(bare);
    for (const code of [0, 1]) {
      const { text, at } = texts[code] ||= letters(code);
      let best = -1, most = -1;
      for (let i = text.indexOf(exact); exact && i >= 0; i = text.indexOf(exact, i + 1)) {
        const fits = text.startsWith(before, i - before.length) + text.startsWith(after, i + exact.length) +
          Boolean(element && element.contains(at[i][0]));
        if (fits > most) { [best, most] = [i, fits]; }
      }
      if (best >= 0) {
        const range = new Range(), [end, i] = at[best + exact.length - 1];
        range.setStart(...at[best]);
        range.setEnd(end, i + 1);
        return { element: block(at[best][0]), range };
      }
    }
    return null;
  }

  function show() {
    const texts = [], gone = { element: main.lastChild };
    const listed = here().map((comment) => [comment, place(comment, texts) || gone]);
    listed.sort(([, { element: a }], [, { element: b }]) => a === b ? 0 : last(a, b) ? -1 : 1);
    const ranges = listed.flatMap(([, { range }]) => range || []);
    if (window.Highlight) { CSS.highlights.set("comment", new Highlight(...ranges)); }
    document.querySelectorAll(".commented").forEach((element) => element.classList.remove("commented"));
    listed.forEach(([, at]) => { if (at !== gone && !at.range) { at.element.classList.add("commented"); } });
    one("ol", panel).replaceChildren(...listed.map(([comment, at]) => item(comment, at !== gone && at.element)));
    const count = kept.length - listed.length;
    one("#comments-elsewhere").textContent = count ? filled(words.elsewhere, { count }) : "";
    one("#comments-unkept").hidden = storing;
    one("output", toggle).textContent = listed.length || "";
  }
  function item(comment, found) {
    const copy = one("#comment-item").content.cloneNode(true), [go, edit, remove] = copy.querySelectorAll("button");
    const element = document.getElementById(fragment(comment)), [said, signed] = copy.querySelectorAll("p");
    const passed = `“${tidy(quote(comment).exact).slice(0, 60)}”`;
    const name = !whole(comment) ? passed : element ? named(element) : fragment(comment);
    go.textContent = found ? name : filled(words.gone, { name });
    go.disabled = !found;
    said.textContent = comment.body.value;
    signed.textContent = [comment.creator?.name, date(comment).slice(0, 10)].filter(Boolean).join(", ");
    edit.setAttribute("aria-label", filled(words.edit, { name }));
    remove.setAttribute("aria-label", filled(words.remove, { name }));
    go.addEventListener("click", () => reach(found));
    edit.addEventListener("click", () => write(comment.target, name, comment));
    remove.addEventListener("click", () => {
      if (!confirm(words.sure)) { return; }
      change(recall().filter((other) => other.id !== comment.id));
      say(words.deleted, { count: here().length });
      one("h2", panel).focus();
    });
    return copy;
  }
  function reach(element) {
    for (let at = element.closest("details"); at; at = at.parentElement.closest("details")) { at.open = true; }
    if (element.closest(".code") && !one("#show-code").checked) { one("#show-code").click(); }
    element.tabIndex = Math.max(element.tabIndex, -1);
    element.scrollIntoView({ block: "center" });
    element.focus({ preventScroll: true });
  }

  function write(about, name, comment = null) {
    const chosen = getSelection(), of = { target: about };
    writing = { about, comment, opener: document.activeElement, before: comment ? comment.body.value : "",
      range: chosen.rangeCount ? chosen.getRangeAt(0).cloneRange() : null };
    one("h2", dialog).textContent = whole(of) ? filled(words.about, { name }) : words.passage;
    quoted.textContent = quote(of).exact.slice(0, 400) + (quote(of).exact.length > 400 ? " …" : "");
    quoted.hidden = whole(of);
    written.value = writing.before;
    by.value = comment?.creator?.name || by.value || remembered("commenter") || "";
    dialog.returnValue = "";
    dialog.showModal();
    written.focus();
  }
  dialog.addEventListener("cancel", (event) => {
    if (written.value !== writing.before && !confirm(words.drop)) { event.preventDefault(); }
  });
  dialog.addEventListener("close", () => {
    const { about, comment, opener, range } = writing, save = dialog.returnValue === "save" && written.value.trim();
    if (save) {
      const id = comment ? comment.id : uuid(), name = tidy(by.value), now = new Date().toISOString();
      const body = { type: "TextualBody", value: save, format: "text/plain", purpose: "commenting" };
      const made = { id, type: "Annotation", motivation: "commenting", creator: { type: "Person", name },
        created: comment?.created || now, ...(comment && { modified: now }), body, target: about };
      remember("commenter", name);
      change([...recall().filter((other) => other.id !== id), made]);
      say(words.saved, { count: here().length });
    }
    (opener.getClientRects().length ? opener : toggle).focus({ preventScroll: true });
    if (range) { // where a reader by keyboard was
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      if (save) { getSelection().collapseToEnd(); }
    }
  });
  function uuid() { // the browser's own needs a secure origin, which a file need not be
    const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "urn:uuid:$1-$2-4$3-a$4-$5");
  }

  function begin() { // with what is selected, else the exhibit that has the focus, else the list
    const about = passage(), element = document.activeElement.closest("#main .exhibit[id]");
    if (about) { write(about, ""); } else if (element) { write(exhibit(element), named(element)); } else { open(true); }
  }
  function open(yes) {
    panel.hidden = !yes;
    toggle.setAttribute("aria-expanded", String(yes));
    (yes ? one("h2", panel) : toggle).focus();
  }
  document.addEventListener("keydown", (event) => {
    if (event.altKey && event.shiftKey && event.code === "KeyC" && !dialog.open) { event.preventDefault(); begin(); }
    if (event.key === "Escape" && panel.contains(document.activeElement)) { open(false); }
  });
  document.addEventListener("selectionchange", () => {
    const range = !dialog.open && selected(), box = range && range.getBoundingClientRect();
    if ((mark.hidden = !range)) { return; }
    mark.style.top = `${scrollY + box.bottom + 6}px`;
    mark.style.left = `${Math.max(8, Math.min(box.left, innerWidth - 130)) + scrollX}px`;
  });
  mark.addEventListener("mousedown", (event) => event.preventDefault()); // the selection stays
  mark.addEventListener("click", begin);
  toggle.addEventListener("click", () => open(panel.hidden));
  one("#comments-close").addEventListener("click", () => open(false));

  one("#comments-download").addEventListener("click", () => {
    const head = { "@context": "http://www.w3.org/ns/anno.jsonld", id: uuid(), type: "AnnotationPage" };
    const link = document.createElement("a"), name = by.value || remembered("commenter") || "";
    const file = new Blob([JSON.stringify({ ...head, items: recall() }, null, 1)], { type: "application/json" });
    link.href = URL.createObjectURL(file);
    link.download = `${["comments", ...name.match(/[\p{L}\p{N}]+/gu) || []].join("-")}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    unsaved = false;
    say(words.downloaded, { count: kept.length });
  });
  const fits = (one) => [one.id, one.body.value, one.target.source, fragment(one), quote(one).exact, date(one),
    quote(one).prefix || "", quote(one).suffix || ""].every((text) => typeof text === "string");
  one("#comments-load").addEventListener("change", async (event) => {
    for (const file of event.target.files) {
      try {
        const { items } = JSON.parse(await file.text());
        if (!items.every(fits)) { throw new TypeError(); }
        const known = new Map(recall().map((comment) => [comment.id, comment]));
        items.forEach((comment) => {
          if (date(comment) >= date(known.get(comment.id) || {})) { known.set(comment.id, comment); }
        });
        change([...known.values()]);
        say(words.loaded, { count: items.length, file: file.name });
      } catch (e) { say(words.unread, { file: file.name }); }
    }
    event.target.value = "";
  });
  addEventListener("storage", (event) => { if (event.key === key) { recall(); show(); } });
  addEventListener("beforeunload", (event) => { if (unsaved && !storing) { event.preventDefault(); } });

  document.querySelectorAll("#main .exhibit[id], main :is(h2, h3)[id]").forEach((element) => {
    const button = one("#comment-on").content.firstElementChild.cloneNode(true);
    button.setAttribute("aria-label", filled(words.about, { name: named(element) }));
    button.addEventListener("click", () => write(exhibit(element), named(element)));
    if (element.matches(".exhibit")) { element.append(button); } else { element.after(button); }
  });
  main.append(mark);
  toggle.hidden = false;
  storing = remember(key, remembered(key) || "[]");
  recall();
  show();
});
