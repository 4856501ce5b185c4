// Small things: what needs this script appears, and what is folded is unfolded to be printed.
(() => {
  "use strict";
  document.documentElement.classList.add("scripted-page");
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const one of folded) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of folded) one.open = false;
  });
})();
