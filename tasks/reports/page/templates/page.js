"use strict";
(function () {
  var table = document.querySelector("table[data-sortable]");
  if (!table) return;
  var body = table.tBodies[0], tools = document.querySelector(".tools"), count = document.querySelector(".count");
  var rows = Array.prototype.map.call(body.rows, function (row, place) {
    return { row: row, place: place, text: null, flags: " " + (row.getAttribute("data-f") || "") + " ",
      keys: (row.getAttribute("data-k") || "").split(" ").map(Number) };
  });
  var words = document.getElementById("q"), lists = document.querySelectorAll("select[data-filter]");
  var ticks = document.querySelectorAll("input[data-flag]"), what = table.getAttribute("data-what"), timer = 0;
  tools.hidden = false;
  function textOf(item) {
    if (item.text === null) item.text = item.row.textContent.toLowerCase();
    return item.text;
  }
  function wanted(item, terms, flags) {
    return flags.every(function (flag) { return item.flags.indexOf(" " + flag + " ") >= 0; }) &&
      terms.every(function (term) { return textOf(item).indexOf(term) >= 0; });
  }
  function filter() {
    var terms = words.value.toLowerCase().split(/\s+/).filter(Boolean), flags = [], shown = 0;
    lists.forEach(function (list) { if (list.value) flags.push(list.value); });
    ticks.forEach(function (tick) { if (tick.checked) flags.push(tick.getAttribute("data-flag")); });
    rows.forEach(function (item) {
      var show = wanted(item, terms, flags);
      if (item.row.hidden === show) item.row.hidden = !show;
      if (show) shown += 1;
    });
    count.textContent = shown.toLocaleString("en") + " of " + rows.length.toLocaleString("en") + " " + what + " shown";
  }
  function later() { clearTimeout(timer); timer = setTimeout(filter, 120); }
  function sort(head, place) {
    var down = head.getAttribute("aria-sort") === "descending", first = head.hasAttribute("data-down");
    var now = head.hasAttribute("aria-sort") ? !down : first, key = Number(head.getAttribute("data-key"));
    table.querySelectorAll("th[aria-sort]").forEach(function (other) { other.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", now ? "descending" : "ascending");
    var named = isNaN(key) || !head.hasAttribute("data-key");
    var order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
    var values = new Map(rows.map(function (item) {
      return [item, named ? item.row.cells[place].textContent : item.keys[key]];
    }));
    rows.sort(function (a, b) {
      var x = values.get(a), y = values.get(b), by = named ? order.compare(x, y) : x - y;
      return (now ? -by : by) || a.place - b.place;
    });
    var all = document.createDocumentFragment();
    rows.forEach(function (item) { all.appendChild(item.row); });
    body.appendChild(all);
  }
  Array.prototype.forEach.call(table.tHead.rows[0].cells, function (head, place) {
    var button = document.createElement("button");
    button.type = "button";
    while (head.firstChild) button.appendChild(head.firstChild);
    head.appendChild(button);
    button.addEventListener("click", function () { sort(head, place); });
  });
  words.addEventListener("input", later);
  lists.forEach(function (list) { list.addEventListener("change", filter); });
  ticks.forEach(function (tick) { tick.addEventListener("change", filter); });
  addEventListener("beforeprint", function () {
    document.querySelectorAll(".changes details").forEach(function (one) { one.open = true; });
  });
  if (location.hash.indexOf("#q=") === 0) {
    try { words.value = decodeURIComponent(location.hash.slice(3)); } catch (error) { words.value = ""; }
  }
  filter();
})();
