"use strict";
// The table of all methods that have results, without metrics of random networks, and the names of the others.

let leaderboard = null;

function methodName(row) {
  return row.link ? element("a", { href: row.link, rel: "noreferrer" }, row.title) : row.title;
}

function methodCell(row) {
  return element("span", {}, methodName(row), element("span", { class: "venue" }, row.venue));
}

/** A measured value; below it what was published, which counts in no order and no mark. */
function valueCell(cell, published) {
  const parts = [];
  if (cell) parts.push(element("span", cell.best ? { class: "best" } : {}, cell.text + cell.mark));
  if (cell?.interval) parts.push(element("span", { class: "interval" }, cell.interval));
  if (published) parts.push(element("span", { class: "published" }, `published ${published}`));
  return parts.length ? element("span", {}, ...parts) : "";
}

function heading(name, details = "") {
  const button = element("button", { type: "button" }, name); // by key and by touch
  if (details) button.append(element("span", { class: "interval" }, details));
  return () => button;
}

/** What a narrow screen has no column for, below its row. */
function collapsed(columns) {
  const list = element("dl", {});
  for (const { field, value } of columns) {
    const column = board.columns.find((one) => one.key === field);
    if (value) list.append(element("dt", {}, labelOf(column)), element("dd", {}, value));
  }
  return list;
}

function showAbsent() {
  const absent = board.rows.filter((row) => !row.cells);
  find("absent").hidden = !absent.length;
  const number = absent.length === 1 ? "1 method is" : `${absent.length} methods are`;
  const published = (row) =>
    board.columns.filter((column) => row.published[column.key]).map((column) => `${column.label} ${row.published[column.key]}`);
  const items = absent.map((row) =>
    element(
      "li",
      {},
      methodName(row),
      row.venue && ` (${row.venue})`,
      ": ",
      element("code", {}, `data/results/${row.method}/`),
      published(row).length ? element("span", { class: "published" }, `published: ${published(row).join(", ")}`) : "",
    ),
  );
  find("absent").replaceChildren(
    element("summary", {}, `${number} not supplied: ${absent.map((row) => row.title).join(", ")}`),
    "Put the images that its authors published into a method's folder; card.yaml there says which.",
    element("ul", {}, ...items),
  );
}

protocolChanged.push(() => {
  leaderboard?.destroy();
  showAbsent();
  const rows = new Map(shownRows(board).map((row) => [row.method, row]));
  const data = [...rows.values()].map((row) => {
    const values = Object.entries(row.cells).map(([key, cell]) => [key, cell.value]);
    return { method: row.method, title: row.title, ...Object.fromEntries(values) };
  });
  const columns = board.columns.filter((column) => !column.random).map((column) => ({
    field: column.key,
    title: column.key,
    titleFormatter: heading(column.name + (ARROWS[column.better] ?? ""), column.details),
    formatter: (cell) => {
      const row = rows.get(cell.getData().method);
      return valueCell(row.cells[column.key], row.published[column.key]);
    },
    sorter: "number",
    sorterParams: { alignEmptyValues: "bottom" },
    headerSortStartingDir: column.better === "higher" ? "desc" : "asc",
    hozAlign: "right",
    headerHozAlign: "right",
    minWidth: 78,
  }));
  leaderboard = new Tabulator("#leaderboard-table", {
    data,
    index: "method",
    columns: [
      {
        field: "title",
        title: "Method",
        titleFormatter: heading("Method"),
        formatter: (cell) => methodCell(rows.get(cell.getData().method)),
        minWidth: 105,
        responsive: 0, // never collapsed
      },
      ...columns,
    ],
    layout: "fitColumns",
    responsiveLayout: "collapse",
    responsiveLayoutCollapseFormatter: collapsed,
    nestedFieldSeparator: false,
    headerSortTristate: true,
    placeholder: "No method has results.",
  });
});
