// The landmarks' names beside their dots, each where it covers least.

const INK = "rgb(22 24 30)";

/**
 * @param {CanvasRenderingContext2D} context in pixels of the picture
 * @param {{name: string, x: number, y: number}[]} points
 * @param {number} radius of the dots
 * @param {[number, number]} size of the picture
 */
export function drawNames(context, points, radius, size) {
  const height = Math.max(9, radius * 2.5);
  Object.assign(context, { font: `${height}px system-ui, sans-serif`, textBaseline: "middle", textAlign: "left" });
  Object.assign(context, { lineWidth: height / 5, lineJoin: "round", strokeStyle: INK, fillStyle: "white" });
  const taken = points.map(({ x, y }) => [x - radius, y - radius, x + radius, y + radius]);
  for (const { name, x, y } of points) {
    const text = name.replaceAll("_", " ");
    const places = placesAround(x, y, context.measureText(text).width, height, radius * 1.8);
    const best = places.map((box) => [cost(box, taken, size), box]).sort(([one], [other]) => one - other)[0][1];
    taken.push(best);
    const middle = (best[1] + best[3]) / 2;
    context.strokeText(text, best[0], middle);
    context.fillText(text, best[0], middle);
  }
}

/** Boxes for a text around a dot, the preferred first. */
function placesAround(x, y, width, height, clear) {
  const places = [];
  for (const far of [0, 1.2 * height, 2.4 * height]) {
    const [right, left, middle] = [x + clear, x - clear - width, y - height / 2];
    const [above, below] = [y - clear - height - far, y + clear + far];
    places.push([right + far, middle], [left - far, middle], [x - width / 2, above], [x - width / 2, below]);
    for (const down of [above + height / 2, below - height / 2]) places.push([right, down], [left, down]);
  }
  return places.map(([across, down]) => [across, down, across + width, down + height]);
}

/** What a box would cover, and what of it would not be seen. */
function cost(box, taken, [width, height]) {
  const outside = (box[2] - box[0]) * (box[3] - box[1]) - overlap(box, [0, 0, width, height]);
  return 10 * outside + taken.reduce((sum, other) => sum + overlap(box, other), 0);
}

function overlap(a, b) {
  const [across, down] = [0, 1].map((side) => Math.min(a[2 + side], b[2 + side]) - Math.max(a[side], b[side]));
  return Math.max(0, across) * Math.max(0, down);
}
