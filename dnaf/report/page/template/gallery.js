"use strict";
// Every test pair: images, scores, order and filters.

const scores = new Map(); // by protocol: {method: {metric: [a value a pair]}}
let gallery = null;
let sortValues = null; // of each pair; null: the order of the list
let ranks = null; // of each pair, typical ones first; null: by value, or the order of the list

const nameOf = (pair) => `${report.stems[report.sources[pair]]}_2_${report.stems[report.targets[pair]]}`;
const pairedColumns = () => board.columns.filter((column) => column.digits !== null);
const scoreOf = (method, key, pair) => scores.get(board.protocol)?.[method]?.[key]?.[pair];

/** Called by scores/<protocol>.js: pages opened from disk may load scripts, but no data files. */
function receiveScores(protocol, values) {
  scores.set(protocol, values);
}

function loadScores() {
  const { protocol } = board;
  if (scores.has(protocol)) return Promise.resolve();
  return new Promise((resolve) => {
    const script = element("script", { src: `scores/${protocol}.js` });
    script.addEventListener("load", resolve);
    script.addEventListener("error", resolve); // without scores the images are there all the same
    document.head.append(script);
  });
}

/** One panel of the pair's image file, cut out by CSS. */
function panelImage(pair, panel) {
  const alt = `${report.panels[panel].label} of ${nameOf(pair)}`;
  const image = element("img", { src: `pairs/${pair}.jpg`, alt, loading: "lazy", draggable: "false" });
  return element("span", { class: "panel-image", style: `--panel: ${panel}` }, image);
}

/** The pair's scores in a metric, one a panel; without text where the panel shows no method's image. */
function panelScores(pair, column) {
  const values = report.panels.map((panel) => scoreOf(panel.method, column.key, pair));
  const known = values.filter((value, index) => value !== undefined && !report.panels[index].is_ceiling);
  const best = column.better === "higher" ? Math.max(...known) : Math.min(...known);
  return values.map((value, index) => ({
    text: value?.toFixed(column.digits) ?? "",
    className: value === best && report.panels[index].is_ranked ? "best" : "",
  }));
}

function scoreCell(tag, score) {
  return element(tag, { class: score.className }, score.text);
}

function pairName(pair) {
  return [report.stems[report.sources[pair]], " → ", report.stems[report.targets[pair]]];
}

function sortText(pair) {
  if (!sortValues) return "";
  const column = chosenColumn();
  const value = sortValues[pair];
  if (Number.isNaN(value)) return "";
  const isDifference = find("minus").value !== "";
  return `${sortName()}: ${isDifference && value > 0 ? "+" : ""}${value.toFixed(column.digits)}`;
}

function pairElement(pair) {
  const open = element("button", { type: "button", class: "open", "data-pair": pair }, ...pairName(pair));
  open.addEventListener("click", () => openZoom(pair));
  const images = report.panels.map((panel, index) => {
    const cell = element("td", {}, panelImage(pair, index), panel.label);
    cell.addEventListener("click", () => openZoom(pair));
    return cell;
  });
  const rows = pairedColumns().map((column) => {
    const label = element("th", { class: "label", scope: "row" }, labelOf(column));
    const cells = panelScores(pair, column).map((score) => scoreCell("td", score));
    return element("tr", { "data-metric": column.key }, label, ...cells);
  });
  const table = element("table", {}, element("tr", {}, element("td", { class: "label" }), ...images), ...rows);
  const name = element("div", { class: "name" }, open, element("small"));
  return element("div", { class: "pair" }, name, element("div", { class: "scroll" }, table));
}

/** Says on the pairs in sight what they are sorted by; rows stay as they were made. */
function markSorted() {
  for (const row of document.querySelectorAll(".pair")) {
    row.querySelector("small").textContent = sortText(Number(row.querySelector(".open").dataset.pair));
    for (const metric of row.querySelectorAll("[data-metric]")) {
      metric.classList.toggle("chosen", Boolean(sortValues) && metric.dataset.metric === chosenColumn().key);
    }
  }
}

function chosenColumn() {
  return pairedColumns().find((column) => column.key === find("metric").value);
}

function titleOf(method) {
  return board.rows.find((row) => row.method === method).title;
}

function sortName() {
  const { value: method } = find("method");
  const { value: minus } = find("minus");
  const of = minus ? `${titleOf(method)} − ${titleOf(minus)}` : titleOf(method);
  return `${chosenColumn().label} of ${of}`;
}

function sortPairs() {
  const column = chosenColumn();
  const { value: method } = find("method");
  const { value: minus } = find("minus");
  for (const id of ["method", "minus", "order"]) find(id).disabled = !column;
  sortValues = column
    ? report.sources.map((_, pair) => (scoreOf(method, column.key, pair) ?? NaN) - (minus ? scoreOf(minus, column.key, pair) ?? NaN : 0))
    : null;
  const order = find("order").value;
  ranks = column && order === "typical" ? typicalRanks(sortValues) : null;
  const isDescending = column && !ranks && (order === "best") === (column.better === "higher");
  gallery.setSort("pair", isDescending ? "desc" : "asc");
  showStatus();
}

/** The rule of dnaf/report/typical.py: nearest the median first, but an outfit again only after all others. */
function typicalRanks(values) {
  const known = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const median = (known[(known.length - 1) >> 1] + known[known.length >> 1]) / 2;
  const distances = values.map((value) => (Number.isNaN(value) ? Infinity : Math.abs(value - median)));
  const nearest = values.map((_, pair) => pair).sort((a, b) => (distances[a] === distances[b] ? a - b : distances[a] - distances[b]));
  const seen = new Map();
  const times = [];
  for (const pair of nearest) {
    const outfit = report.outfits[pair];
    times[pair] = distances[pair] === Infinity ? Infinity : seen.get(outfit) ?? 0;
    seen.set(outfit, times[pair] + 1);
  }
  const ranked = [];
  // Sorting is stable: pairs of equal times stay nearest first.
  nearest.sort((a, b) => (times[a] === times[b] ? 0 : times[a] - times[b])).forEach((pair, rank) => (ranked[pair] = rank));
  return ranked;
}

function comparePairs(one, other, a, b, field, direction) {
  if (ranks) return ranks[one] - ranks[other];
  if (!sortValues) return one - other;
  const [first, second] = [sortValues[one], sortValues[other]];
  if (Number.isNaN(first) || Number.isNaN(second)) {
    return (Number.isNaN(first) - Number.isNaN(second)) * (direction === "asc" ? 1 : -1); // last either way
  }
  return first - second || (one - other) * (direction === "asc" ? 1 : -1);
}

function filterPairs() {
  const chosen = [...document.querySelectorAll("[data-filter]")]
    .filter((select) => select.value !== "")
    .map((select) => [report.filters[select.dataset.filter].values, Number(select.value)]);
  gallery.setFilter((row) => chosen.every(([values, wanted]) => values[row.pair] === wanted));
  showStatus();
}

/** The pairs that are shown, on all pages, in their order. */
function shownPairs() {
  return gallery.getRows("active").map((row) => row.getIndex());
}

function showStatus(problem = "") {
  const [shown, all] = [gallery.getDataCount("active"), report.sources.length].map((number) => number.toLocaleString("en"));
  const missing = scores.has(board.protocol) ? "" : ` scores/${board.protocol}.js is missing beside this page: no scores.`;
  const sorted = sortValues ? `, ${find("order").selectedOptions[0].textContent}: ${sortName()}` : "";
  find("status").textContent = `${problem} ${shown} of ${all} pairs${sorted}.${missing}`.trim();
}

async function goToPair(pair) {
  const position = shownPairs().indexOf(pair);
  await gallery.setPage(Math.floor(position / gallery.getPageSize()) + 1);
  const open = document.querySelector(`.open[data-pair="${pair}"]`);
  open.scrollIntoView({ block: "center" });
  open.focus({ preventScroll: true });
}

async function jump(text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return;
  const matches = (pair) => nameOf(pair).toLowerCase().includes(wanted);
  let pair = shownPairs().find(matches);
  if (pair === undefined && (pair = report.sources.findIndex((_, index) => matches(index))) >= 0) {
    for (const select of document.querySelectorAll("[data-filter]")) select.value = "";
    filterPairs();
  }
  if (pair === -1) return showStatus(`No pair has “${text.trim()}” in its name.`);
  showStatus();
  await goToPair(pair);
}

function fillSelect(select, options, first = "") {
  const before = select.length ? select.value : first;
  select.replaceChildren(...options.map(([value, text]) => element("option", { value }, text)));
  if (options.some(([value]) => value === before)) select.value = before;
}

function fillControls() {
  const methods = shownRows(board).map((row) => [row.method, row.title]);
  fillSelect(find("metric"), [["", "the list's order"], ...pairedColumns().map((column) => [column.key, labelOf(column)])], board.typical?.metric);
  fillSelect(find("method"), methods, board.typical?.method);
  fillSelect(find("minus"), [["", "nothing"], ...methods]);
}

function moveFocus(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !event.target.matches(".open")) return;
  const all = [...document.querySelectorAll("#pairs .open")];
  const next = all[all.indexOf(event.target) + step];
  if (!next) return;
  event.preventDefault();
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "center" });
}

async function startGallery() {
  fillControls();
  await loadScores();
  gallery = new Tabulator("#pairs", {
    data: report.sources.map((_, pair) => ({ pair })),
    index: "pair",
    columns: [{ field: "pair", title: "Pair", formatter: (cell) => pairElement(cell.getValue()), sorter: comparePairs, variableHeight: true }],
    layout: "fitColumns",
    renderVertical: "basic", // a page has few rows, of different heights
    pagination: true,
    paginationSize: 10,
    paginationSizeSelector: [10, 25, 50],
    paginationCounter: "rows",
    placeholder: "No pair has all of this.",
  });
  gallery.on("renderComplete", markSorted);
  gallery.on("pageLoaded", () => {
    if (find("pairs").getBoundingClientRect().top < 0) find("pairs").scrollIntoView();
  });
  gallery.on("tableBuilt", () => {
    find("controls").addEventListener("submit", (event) => {
      event.preventDefault();
      jump(find("name").value);
    });
    for (const id of ["metric", "method", "minus", "order"]) find(id).addEventListener("change", sortPairs);
    for (const select of document.querySelectorAll("[data-filter]")) select.addEventListener("change", filterPairs);
    find("pairs").addEventListener("keydown", moveFocus);
    protocolChanged.push(showScores);
    if (scores.has(board.protocol)) sortPairs();
    else showScores(); // another protocol was chosen meanwhile
  });
}

async function showScores() {
  fillControls();
  await loadScores();
  sortPairs();
  gallery.redraw(true); // makes the rows anew
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.matches("input, select") || find("zoom").open) return;
  event.preventDefault();
  find("name").focus();
});
