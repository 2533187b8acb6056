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
