"use strict";
// A bar chart a metric, and the loss curve.

const charts = [];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Draws a chart into a new canvas; `label` says to a screen reader what it shows. */
function draw(place, height, label, config) {
  const box = element("div", { class: "chart", style: `height: ${height}` });
  const canvas = element("canvas", { role: "img", "aria-label": label });
  box.append(canvas);
  place.append(box);
  config.options = { animation: false, maintainAspectRatio: false, ...config.options };
  charts.push(new Chart(canvas, config));
}

function axis(options = {}) {
  return { grid: { color: colour("line") }, ticks: { color: colour("soft") }, ...options };
}

function title(text) {
  return { display: true, text, color: colour("ink"), align: "start", font: { size: 14 } };
}

function drawBars(column) {
  const rows = shownRows(board).filter((row) => column.key in row.cells);
  const cells = rows.map((row) => row.cells[column.key]);
  const texts = cells.map((cell) => `${cell.text} ${cell.interval}`.trim());
  draw(find("bars"), `${4.5 + 1.6 * rows.length}rem`, `${column.label}: ${rows.map((row, i) => `${row.title} ${texts[i]}`).join("; ")}`, {
    type: "bar",
    data: {
      labels: rows.map((row) => row.title),
      datasets: [
        {
          data: cells.map((cell) => [cell.low, cell.high]),
          backgroundColor: colour("ink"),
          grouped: false,
          barThickness: 2,
          minBarLength: 0,
        },
        {
          data: cells.map((cell) => cell.value),
          backgroundColor: rows.map((row) => colour(row.is_ranked ? "accent" : "trivial")),
          grouped: false,
        },
      ],
    },
    options: {
      indexAxis: "y",
      scales: {
        x: axis({ beginAtZero: true }),
        y: axis({ grid: { display: false }, ticks: { color: colour("ink"), autoSkip: false } }),
      },
      plugins: {
        legend: { display: false },
        title: title(labelOf(column)),
        tooltip: { filter: (item) => item.datasetIndex === 1, callbacks: { label: (item) => texts[item.dataIndex] } },
      },
    },
  });
}

function drawLoss() {
  const { step, loss, num_averaged: number } = report.loss;
  const text = number > 1 ? `Training loss, mean of ${number} logged steps` : "Training loss";
  draw(find("loss"), "100%", `${text}: from ${loss[0]} at step ${step[0]} to ${loss.at(-1)} at step ${step.at(-1)}`, {
    type: "line",
    data: {
      labels: step,
      datasets: [{ data: loss, borderColor: colour("accent"), borderWidth: 1.5, pointRadius: 0, pointHitRadius: 8 }],
    },
    options: {
      scales: {
        x: axis({ type: "linear", title: { display: true, text: "step", color: colour("soft") } }),
        y: axis({ beginAtZero: true }),
      },
      plugins: { legend: { display: false }, title: title(text) },
    },
  });
}

function drawCharts() {
  for (const chart of charts.splice(0)) chart.destroy();
  find("bars").replaceChildren();
  board.columns.forEach(drawBars);
  if (!report.loss) return;
  find("loss").replaceChildren();
  drawLoss();
}

protocolChanged.push(drawCharts);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCharts);
