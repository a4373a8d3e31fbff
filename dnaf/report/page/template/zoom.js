"use strict";
// One pair, large: its images side by side, enlarged and moved together.

let zoomed = null;

function zoomFigure(pair, panel, index) {
  const frame = element("div", { class: "frame", tabindex: "0", "aria-label": panel.label }, panelImage(pair, index));
  frame.addEventListener("scroll", () => moveTogether(frame));
  const list = pairedColumns().flatMap((column) => {
    const score = panelScores(pair, column)[index];
    return score.text ? [element("dt", {}, labelOf(column)), scoreCell("dd", score)] : [];
  });
  return element("figure", {}, frame, element("figcaption", {}, element("strong", {}, panel.label)), element("dl", {}, ...list));
}

function moveTogether(moved) {
  for (const frame of document.querySelectorAll("#figures .frame")) {
    frame.scrollLeft = moved.scrollLeft;
    frame.scrollTop = moved.scrollTop;
  }
}

function openZoom(pair) {
  zoomed = pair;
  find("zoom-name").replaceChildren(...pairName(pair));
  const boxes = [...find("shown").querySelectorAll("input")];
  const chosen = report.panels.map((panel, index) => [panel, index]).filter(([, index]) => boxes[index].checked);
  find("figures").replaceChildren(...chosen.map(([panel, index]) => zoomFigure(pair, panel, index)));
  if (!find("zoom").open) find("zoom").showModal();
}

function stepZoom(step) {
  const pairs = shownPairs();
  const next = pairs[pairs.indexOf(zoomed) + step];
  if (next !== undefined) openZoom(next);
}

function resizeZoom(step = 0) {
  const size = find("size");
  size.value = Number(size.value) + step * Number(size.step);
  find("figures").style.setProperty("--size", size.value);
}

report.panels.forEach((panel) => {
  const box = element("input", { type: "checkbox", checked: "" });
  box.addEventListener("change", () => openZoom(zoomed));
  find("shown").append(element("label", {}, box, ` ${panel.label}`));
});
find("size").addEventListener("input", () => resizeZoom());
find("previous").addEventListener("click", () => stepZoom(-1));
find("next").addEventListener("click", () => stepZoom(1));
find("close").addEventListener("click", () => find("zoom").close());
find("zoom").addEventListener("close", () => goToPair(zoomed));
find("zoom").addEventListener("keydown", (event) => {
  const act = {
    ArrowLeft: () => stepZoom(-1),
    ArrowRight: () => stepZoom(1),
    "+": () => resizeZoom(1),
    "-": () => resizeZoom(-1),
  }[event.key];
  if (!act || event.target.id === "size") return;
  event.preventDefault();
  act();
});

resizeZoom();
showProtocol();
// The leaderboard is painted first.
requestAnimationFrame(() => setTimeout(startGallery));
