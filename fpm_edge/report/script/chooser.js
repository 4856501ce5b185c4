// "At most so many milliseconds": the most accurate point that is shown and ready by then in nine of ten calls.
(() => {
  "use strict";
  const form = document.getElementById("chooser");
  if (!form) return;
  const most = document.getElementById("most");
  const best = document.getElementById("best");
  const points = [...document.querySelectorAll("#pareto .point")];
  const answer = () => {
    const limit = Number.parseFloat(most.value);
    const ready = points.filter((point) => !point.hasAttribute("hidden") && +point.dataset.due <= limit);
    ready.sort((a, b) => a.dataset.ne - b.dataset.ne || a.dataset.due - b.dataset.due);
    const { name, ne, due, device } = ready[0]?.dataset ?? {};
    best.textContent = ready.length
      ? `→ ${name}: NE ${ne}, ready in ${Number(due).toPrecision(3)} ms in nine of ten calls on ${device}`
      : "→ nothing that is shown is ready by then in nine of ten calls";
  };
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  most.addEventListener("input", answer);
  document.addEventListener("filtered", answer);
  answer();
})();
