// What a point of the plot stands for: shown on hover and on focus, gone with Escape. Arrow keys go from point to point.
(() => {
  "use strict";
  const plot = document.getElementById("pareto");
  const tip = document.getElementById("tip");
  if (!plot || !tip) return;
  const box = document.getElementById("pareto-box");
  const points = [...plot.querySelectorAll(".point")];
  const shown = () =>
    points.filter((point) => !point.hasAttribute("hidden")).sort((a, b) => a.dataset.ms - b.dataset.ms);
  let active = null;

  const hide = () => {
    tip.hidden = true;
    active?.classList.remove("active");
    active = null;
  };

  const show = (point) => {
    hide();
    active = point;
    point.classList.add("active");
    const [[title, stages], ...rows] = JSON.parse(point.dataset.tip);
    if (point.matches(".optimal")) rows.push(["Pareto-optimal", "yes"]);
    const list = document.createElement("dl");
    for (const [name, value] of rows) {
      list.appendChild(document.createElement("dt")).textContent = name;
      list.appendChild(document.createElement("dd")).textContent = value;
    }
    const heading = document.createElement("b");
    heading.textContent = `${title}, ${stages}`;
    tip.replaceChildren(heading, list);
    tip.hidden = false;
    // Beside the point, inside the box.
    const around = box.getBoundingClientRect();
    const at = point.querySelector(".dot").getBoundingClientRect();
    const size = tip.getBoundingClientRect();
    const right = at.right - around.left + 12;
    const left = right + size.width <= around.width ? right : at.left - around.left - size.width - 12;
    const top = at.top - around.top + at.height / 2 - size.height / 2;
    tip.style.left = `${Math.max(0, Math.min(left, around.width - size.width))}px`;
    tip.style.top = `${Math.max(0, Math.min(top, around.height - size.height))}px`;
  };

  // Focus scrolls the page, also from under a mouse that rests on another point: the focused one stays shown.
  const leave = (point) => {
    const focused = document.activeElement;
    if (point !== active || point === focused) return;
    if (points.includes(focused)) show(focused);
    else hide();
  };

  // One stop of the tab key for the whole plot: the point that was visited last.
  const visit = (point) => {
    for (const other of points) other.setAttribute("tabindex", other === point ? "0" : "-1");
  };

  const keys = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
  plot.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return hide();
    const row = shown();
    const now = row.indexOf(document.activeElement);
    const next = event.key === "Home" ? 0 : event.key === "End" ? row.length - 1 : now + (keys[event.key] ?? 0);
    if (next === now || now < 0 || !row[next]) return;
    event.preventDefault();
    visit(row[next]);
    row[next].focus();
  });

  for (const point of points) {
    // The browser's own tooltip would lie over this one; aria-label says the same.
    point.querySelector("title")?.remove();
    point.addEventListener("pointerenter", () => show(point));
    point.addEventListener("pointerleave", () => leave(point));
    point.addEventListener("focus", () => { visit(point); show(point); });
    point.addEventListener("blur", hide);
  }
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  document.addEventListener("filtered", () => {
    hide();
    const row = shown();
    if (row.length && !row.some((point) => point.getAttribute("tabindex") === "0")) visit(row[0]);
  });
  if (points.length) visit(shown()[0]);
})();
