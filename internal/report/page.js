"use strict";
(function () {
  var folds = Array.prototype.slice.call(document.querySelectorAll("details.fold"));
  function set(list, open) { list.forEach(function (d) { d.open = open; }); }
  function reveal() {
    var id = location.hash.slice(1), el = id && document.getElementById(id), first = el;
    if (!el) { return; }
    for (; el; el = el.parentElement) { if (el.tagName === "DETAILS") { el.open = true; } }
    first.scrollIntoView();
  }
  set(folds, false);
  addEventListener("hashchange", reveal);
  document.addEventListener("click", function (e) {
    var a = e.target.closest && e.target.closest("a[href^='#']");
    if (a && a.getAttribute("href") === location.hash) { reveal(); }
  });
  reveal();

  var shut = [];
  addEventListener("beforeprint", function () { shut = folds.filter(function (d) { return !d.open; }); set(shut, true); });
  addEventListener("afterprint", function () { set(shut, false); shut = []; });

  var full = document.getElementById("full"), sections = Array.prototype.slice.call(full.querySelectorAll("details.srv"));
  if (sections.length) {
    var bar = document.createElement("p"), open = document.createElement("button"), fold = document.createElement("button");
    bar.className = "tools";
    open.type = fold.type = "button";
    open.textContent = "Open all";
    fold.textContent = "Fold all";
    open.addEventListener("click", function () { set(Array.prototype.slice.call(full.querySelectorAll("details.fold")), true); });
    fold.addEventListener("click", function () { set(sections, false); });
    bar.append(open, " ", fold);
    full.insertBefore(bar, full.children[1]);
  }

  function make(name, text) {
    var el = document.createElement(name);
    el.textContent = text;
    return el;
  }

  var slide = document.getElementById("step");
  if (slide) { // the lanes, step by step
    var lanes = document.getElementById("lanes"), said = document.getElementById("say"), all = Number(slide.max);
    var parts = Array.prototype.slice.call(document.querySelectorAll("#lanes g[data-k], #hops tr[data-k]"));
    slide.parentElement.hidden = false;
    slide.addEventListener("input", function () {
      var n = Number(slide.value), here = null;
      parts.forEach(function (p) {
        var k = Number(p.getAttribute("data-k")), now = k === n && !p.classList.contains("quiet");
        p.classList.toggle("later", k > n);
        p.classList.toggle("now", now);
        if (now && p.tagName !== "TR") { here = p; }
      });
      said.textContent = here.querySelector("title").textContent;
      slide.setAttribute("aria-valuetext", "step " + n + " of " + all);
      var box = lanes.getBoundingClientRect(), at = here.getBoundingClientRect(), names = lanes.querySelector(".lab").offsetWidth;
      if (at.right > box.right) { lanes.scrollLeft += at.right - box.right + 40; }
      if (at.left < box.left + names) { lanes.scrollLeft -= box.left + names - at.left + 40; }
    });
  }

  var acts = document.getElementById("acts"), filter = document.getElementById("filter");
  if (acts) { // the timeline, by server, account and tactic
    var rows = Array.prototype.slice.call(acts.tBodies[0].rows), picks = [], shown = make("output", ""), again = make("button", "Show all");
    var total = rows.filter(function (r) { return !r.classList.contains("gap"); }).length;
    var names = Array.prototype.map.call(acts.tHead.rows[0].cells, function (c) { return c.textContent; });
    var choose = function () {
      var count = 0, any = picks.some(function (p) { return p.box.selectedIndex > 0; });
      rows.forEach(function (r) {
        var gap = r.classList.contains("gap"), out = gap ? any : picks.some(function (p) {
          return p.box.selectedIndex > 0 && r.cells[p.cell].textContent.trim() !== p.box.value;
        });
        r.classList.toggle("out", out);
        if (!gap && !out) { count++; }
      });
      shown.textContent = count + " of " + total + " acts shown";
    };
    ["Server", "Account", "Tactic"].forEach(function (name) {
      var cell = names.indexOf(name), label = make("label", name), box = make("select", ""), seen = {};
      box.appendChild(make("option", "all"));
      rows.forEach(function (r) {
        if (!r.classList.contains("gap")) { seen["=" + r.cells[cell].textContent.trim()] = true; }
      });
      Object.keys(seen).sort().forEach(function (v) {
        var o = make("option", v.slice(1));
        o.value = v.slice(1);
        box.appendChild(o);
      });
      box.addEventListener("change", choose);
      label.appendChild(box);
      filter.appendChild(label);
      picks.push({ box: box, cell: cell });
    });
    again.type = "button";
    again.addEventListener("click", function () {
      picks.forEach(function (p) { p.box.selectedIndex = 0; });
      choose();
    });
    shown.setAttribute("aria-live", "polite");
    filter.append(again, shown);
    filter.hidden = false;
    choose();
  }

  var table = document.getElementById("all");
  if (!table) { return; }
  var body = table.tBodies[0], heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
  Array.prototype.slice.call(body.rows).forEach(function (r, i) { r.place = i; });
  function key(row, n) {
    var c = row.cells[n], k = c.getAttribute("data-k");
    if (k === null) { return c.textContent.trim().toLowerCase(); }
    return k === "" ? Infinity : Number(k);
  }
  heads.forEach(function (th, n) {
    var b = document.createElement("span"); // a real button would keep the head from repeating in print
    b.setAttribute("role", "button");
    b.tabIndex = 0;
    b.textContent = th.textContent;
    th.textContent = "";
    th.appendChild(b);
    b.addEventListener("keydown", function (e) {
      if (e.key === "Enter" || e.key === " ") { e.preventDefault(); b.click(); }
    });
    b.addEventListener("click", function () {
      var down = th.getAttribute("aria-sort") === "ascending";
      heads.forEach(function (h) { h.removeAttribute("aria-sort"); });
      th.setAttribute("aria-sort", down ? "descending" : "ascending");
      Array.prototype.slice.call(body.rows).sort(function (a, c) {
        var x = key(a, n), y = key(c, n), d = x < y ? -1 : x > y ? 1 : 0;
        return (down ? -d : d) || a.place - c.place;
      }).forEach(function (r) { body.appendChild(r); });
    });
  });
})();
