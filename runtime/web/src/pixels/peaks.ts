/** The largest code of a heatmap, and where it is. */

import { roundHalfEven } from "./geometry.js";
import type { Heatmap, Peak } from "./heatmap.js";
import { heaviestPeak } from "./ties.js";

/** Find the peak of a map; where its largest code lies in several places, that with the most around it. */
export function findPeak(map: Heatmap, peak: Peak): void {
  const { codes, height, width, step, first } = map;
  const area = height * width;
  let code = codes[first];
  let place = 0;
  let count = 1;
  for (let cell = 1, at = first + step; cell < area; cell++, at += step) {
    const here = codes[at];
    if (here > code) {
      code = here;
      place = cell;
      count = 1;
    } else if (here === code) {
      count++;
    }
  }
  peak.code = code;
  peak.cells = count;
  if (count === area) {
    return;
  }
  if (count > 1) {
    heaviestPeak(map, place, peak);
  } else {
    peak.x = peak.left = peak.right = place % width;
    peak.y = peak.top = peak.bottom = (place - peak.x) / width;
  }
  peak.column = roundHalfEven(peak.x);
  peak.row = roundHalfEven(peak.y);
}
