// Small things: what needs the script appears, layers of the drawings can be hidden, and all is unfolded to be printed.
(() => {
  "use strict";
  document.documentElement.classList.add("scripted-page");
  for (const box of document.querySelectorAll("input[data-layer]"))
    box.addEventListener("change", () =>
      document.documentElement.classList.toggle(`without-${box.dataset.layer}`, !box.checked));
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const one of folded) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of folded) one.open = false;
  });
})();
