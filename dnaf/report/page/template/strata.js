"use strict";
// One metric's means over kinds of pairs: a row a kind, a column a method.

function showStrata() {
  const { rows } = board.strata;
  const key = find("strata-metric").value;
  const methods = shownRows(board);
  const head = element(
    "tr",
    {},
    ...["", "Pairs"].map((text) => element("th", { scope: "col" }, text)),
    ...methods.map((row) => element("th", { scope: "col", class: "number" }, row.title)),
  );
  const body = rows.map((row) => {
    const cells = methods.map(({ method }) => {
      const [text, interval] = row.cells[method]?.[key] ?? ["", ""];
      return element("td", { class: "number" }, text, element("span", { class: "interval" }, interval));
    });
    const name = element("th", { scope: "row" }, element("span", { class: "venue" }, row.label), row.name);
    return element("tr", {}, name, element("td", { class: "number" }, row.num_pairs.toLocaleString("en")), ...cells);
  });
  find("strata-table").replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
}

protocolChanged.push(() => {
  const { metrics, rows } = board.strata;
  find("strata").hidden = !rows.length || !metrics.length;
  const options = metrics.map((key) => {
    const column = board.columns.find((one) => one.key === key);
    return element("option", { value: key }, labelOf(column));
  });
  find("strata-metric").replaceChildren(...options);
  showStrata();
});

find("strata-metric").addEventListener("change", showStrata);
