// Dragging and keys of the handles that pose_editor.py draws. Gradio runs this once with `element`, `trigger`
// and `watch`; the SVG inside is another one after every change, so that listeners stand on the element.
// Every change ends as an event {joint, at}: a joint's name, or "" for the chosen one; [x, y] in pixels of the
// frame, or null to remove it.
let dragged = null;
let focused = "";

function pointOf(event) {
  const svg = element.querySelector("svg.joints");
  const {x, y} = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  const {width, height} = svg.viewBox.baseVal;
  return [Math.min(Math.max(x, 0), width), Math.min(Math.max(y, 0), height)];
}

function place(circle, [x, y]) {
  circle.setAttribute("cx", x);
  circle.setAttribute("cy", y);
}

element.addEventListener("pointerdown", (event) => {
  if (!event.target.closest("svg.joints")) return;
  event.preventDefault();
  dragged = event.target.closest("circle");
  if (!dragged) return trigger("select", {joint: "", at: pointOf(event)});
  dragged.focus();
  dragged.setPointerCapture(event.pointerId);
});

element.addEventListener("pointermove", (event) => {
  if (dragged) place(dragged, pointOf(event));
});

element.addEventListener("pointerup", (event) => {
  if (!dragged) return;
  focused = dragged.dataset.joint;
  dragged = null;
  trigger("select", {joint: focused, at: pointOf(event)});
});

element.addEventListener("pointercancel", () => { dragged = null; });

element.addEventListener("keydown", (event) => {
  const circle = event.target.closest("circle");
  const step = event.shiftKey ? 5 : 1;
  const by = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step]}[event.key];
  const removed = event.key === "Delete" || event.key === "Backspace";
  if (!circle || !(by || removed)) return;
  event.preventDefault();
  focused = circle.dataset.joint;
  if (removed) return trigger("select", {joint: focused, at: null});
  const at = [Number(circle.getAttribute("cx")) + by[0], Number(circle.getAttribute("cy")) + by[1]];
  place(circle, at);
  trigger("select", {joint: focused, at});
});

watch("value", () => {
  const same = element.querySelector(`circle[data-joint="${focused}"]`);
  if (same && !element.contains(document.activeElement)) same.focus({preventScroll: true});
});
