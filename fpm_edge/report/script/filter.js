// Which points are shown: the checkboxes above the plot. Everything with data-precision (or another facet) obeys them.
(() => {
  "use strict";
  const form = document.getElementById("filters");
  if (!form) return;
  const names = ["stages", "precision", "engine", "threads", "device"];
  const things = [...document.querySelectorAll("[data-device], [data-precision]")];
  const points = [...document.querySelectorAll("#pareto .point")];
  const fronts = [...document.querySelectorAll("#pareto .front")];

  // Chosen values of each facet that has boxes; a facet without boxes leaves nothing out.
  const chosen = () => {
    const found = {};
    for (const name of names) {
      const boxes = [...form.querySelectorAll(`input[name="${name}"]`)];
      if (boxes.length) found[name] = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    }
    return found;
  };

  const fits = (thing, wanted) =>
    names.every((name) => !(name in wanted) || !(name in thing.dataset) || wanted[name].has(thing.dataset[name]));

  const beats = (a, b) => a.ms <= b.ms && a.ne <= b.ne && (a.ms < b.ms || a.ne < b.ne);

  // The front of what is shown, for each device by itself, as the page was made with for all points.
  const drawFronts = () => {
    const shown = points.filter((point) => !point.hasAttribute("hidden"));
    const numbers = shown.map((point) => ({ point, ...point.dataset, ms: +point.dataset.ms, ne: +point.dataset.ne }));
    for (const one of numbers)
      one.point.classList.toggle("optimal", !numbers.some((other) => other.device === one.device && beats(other, one)));
    for (const line of fronts) {
      const mine = numbers.filter((one) => one.device === line.dataset.device && one.point.matches(".optimal"));
      const corners = [];
      for (const one of mine.sort((a, b) => a.ms - b.ms)) {
        if (corners.length) corners.push([one.x, corners.at(-1)[1]]);
        corners.push([one.x, one.y]);
      }
      line.setAttribute("points", corners.map((corner) => corner.join(",")).join(" "));
    }
  };

  const apply = () => {
    const wanted = chosen();
    for (const thing of things) thing.toggleAttribute("hidden", !fits(thing, wanted));
    drawFronts();
    const count = points.filter((point) => !point.hasAttribute("hidden")).length;
    document.getElementById("shown").textContent = `${count} of ${points.length} points`;
    document.dispatchEvent(new Event("filtered"));
  };

  form.hidden = false;
  form.addEventListener("change", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  // A browser may have kept boxes unchecked from before the page was loaded again.
  apply();
})();
