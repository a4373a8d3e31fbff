"use strict";
// The table of all methods.

let leaderboard = null;

function methodCell(row) {
  const name = row.link ? element("a", { href: row.link, rel: "noreferrer" }, row.title) : row.title;
  return element("span", {}, name, element("span", { class: "venue" }, row.venue));
}

function valueCell(cell) {
  if (!cell) return "";
  const value = element("span", cell.best ? { class: "best" } : {}, cell.text + cell.mark);
  if (!cell.interval) return value;
  return element("span", {}, value, element("span", { class: "interval" }, cell.interval));
}

protocolChanged.push(() => {
  leaderboard?.destroy();
  const rows = new Map(board.rows.map((row) => [row.method, row]));
  const data = board.rows.map((row) => {
    const values = Object.entries(row.cells ?? {}).map(([key, cell]) => [key, cell.value]);
    return { method: row.method, title: row.title, ...Object.fromEntries(values) };
  });
  const heading = (text) => () => element("button", { type: "button" }, text); // by key and by touch
  const columns = board.columns.map((column) => ({
    field: column.key,
    title: column.key,
    titleFormatter: heading(labelOf(column)),
    formatter: (cell) => valueCell(rows.get(cell.getData().method).cells?.[column.key]),
    sorter: "number",
    sorterParams: { alignEmptyValues: "bottom" },
    headerSortStartingDir: column.better === "higher" ? "desc" : "asc",
    hozAlign: "right",
    headerHozAlign: "right",
    minWidth: 110,
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
        frozen: true,
        minWidth: 110,
      },
      ...columns,
    ],
    layout: "fitDataFill",
    nestedFieldSeparator: false,
    headerSortTristate: true,
    rowFormatter: (row) => {
      row.getElement().classList.toggle("absent", !rows.get(row.getData().method).cells);
    },
  });
});
