// What the drift monitor knows, in one plain sentence and, on demand, in numbers.

import { percent } from "./believed.js";
import { showPairs } from "./results.js";

const SAID = { ok: "no drift", warning: "warning", drifted: "drifted" };
const GOLDEN = { ok: "passed", warning: "passed, near its limit", drifted: "failed" };

/**
 * @param {import("fpm-edge").MonitorReport} report
 * @param {string[]} remarks what else there is to say of it
 */
export function showCertificate(report, remarks) {
  const { verdict, evidence, mostEvidence, alpha, samples, estimate, lower, upper, certified, golden, failures } = report;
  const said = certificate(report);
  const words = document.getElementById("certificate");
  // A screen reader would say it again at each change.
  if (words.textContent !== said) words.textContent = said;
  const chip = document.getElementById("verdict");
  Object.assign(chip, { hidden: false, textContent: SAID[verdict], className: `chip ${verdict}` });
  document.getElementById("evidence").dataset.samples = samples;
  showPairs("evidence", [
    ["self-check", golden ? GOLDEN[golden] : "not made"],
    ["frames compared", `${samples}${failures ? `, ${failures} failed` : ""}`],
    ["evidence of drift", `${evidence.toFixed(2)} (most ${mostEvidence.toFixed(2)}; alarm at ${(1 / alpha).toFixed(0)})`],
    ["mean disagreement", estimate === null ? "–" : `${ne(estimate)} (${ne(lower)} to ${ne(upper)})`],
    ["limit by stage", report.limits.map(({ value }) => ne(value)).join(", ")],
    ["certified", certified === null ? "–" : `NE within ${ne(certified)} of the float model's`],
    ["false alarms", `at most ${percent(alpha)} ever, if compared frames are of different scenes`],
    ...report.fastAlarms.map((name) => ["fast alarm", `${name} (promises nothing)`]),
    ...remarks.map((remark) => ["note", remark]),
  ]);
}

/** One sentence for people. */
export function certificate(report) {
  const { verdict, reason, samples, certified, golden, alpha } = report;
  if (verdict === "drifted") return `Do not trust the answers: ${reason}.`;
  const checked = golden ? "This browser answers the self-check as the float model did" : "No self-check was made";
  const compared = samples === 1 ? "1 frame was" : `${samples} frames were`;
  const seen = certified === null
    ? "no frame was compared with the float model yet"
    : `${compared} compared with the float model: with ${percent(1 - alpha)} certainty the error is within `
      + `${percent(certified)} of the picture's size of the float model's`;
  return `${checked}; ${seen}.${verdict === "warning" ? ` But: ${reason}.` : ""}`;
}

/** A distance in NE units, thousandths of the picture. */
function ne(value) {
  return value.toFixed(4);
}
