"use strict";
// What the page knows, and the protocol that it shows.

const report = JSON.parse(document.getElementById("data").textContent);
const find = (id) => document.getElementById(id);
const ARROWS = { higher: " ↑", lower: " ↓" };

/** Strings among the children become text: no name is ever parsed as HTML. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const labelOf = (column) => column.label + (ARROWS[column.better] ?? "");
const shownRows = (board) => board.rows.filter((row) => row.cells);

let board = report.boards[0];
const protocolChanged = []; // functions that show the chosen board

function showProtocol() {
  board = report.boards[find("protocol").selectedIndex];
  for (const name of document.querySelectorAll("code.protocol")) name.textContent = board.protocol;
  find("protocol-text").innerHTML = board.text; // rendered and escaped by Python
  find("warning").innerHTML = board.warning;
  find("warning").hidden = !board.warning;
  for (const show of protocolChanged) show();
}

find("written").textContent = document.lastModified; // by the browser: no run writes it
find("protocol").addEventListener("change", showProtocol);
