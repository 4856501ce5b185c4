/** Where between the cells the top of a heatmap is: a Gaussian fitted to the logarithms of the cells around its peak. */

/** The fit looks at (2 · RADIUS + 1)² cells. */
export const RADIUS = 2;
/** Cells of a side. */
const SIDE = 2 * RADIUS + 1;
/** Cells of the fit. */
export const CELLS = SIDE * SIDE;
/** Curvature below which a fitted surface counts as flat: a Gaussian of σ = 22 cells. */
const FLAT = 1e-3;
/** Ridge on the last two terms, relative to the summed weights: it keeps the Gaussian round where cells say nothing. */
const ROUNDNESS = 0.5;
/** Ridge on all terms: a peak of fewer cells than terms has the smallest fit. */
const RIDGE = 1e-9;
/** A cell's squared value at least: no system of equations is then empty, and what is brighter does not feel it. */
const FAINTEST = 1e-60;
/** Below every positive float32: a logarithm for what is not positive, and has no weight. */
const TINY = 1e-46;

/** 1, u, v, u² + v², u² − v², uv. */
const TERMS = 6;
/** Numbers in a row of the equations: one a term, and the other side. */
const ROW = TERMS + 1;

/** The weight of a cell: its value squared. */
export function weightOf(value: number): number {
  return Math.max(Math.max(value, 0) ** 2, FAINTEST);
}

/** The logarithm of a cell's value; where it is not positive, that of nearly 0. */
export function logarithmOf(value: number): number {
  return Math.log(Math.max(value, TINY));
}

/** Finds tops, one after the other; what it needs for that is allocated once. */
export class Fit {
  /** (25) weights of the cells around the peak, row by row; 0 for a cell that says nothing about the top. */
  readonly weights = new Float64Array(CELLS);
  /** (25) weight · logarithm of each. */
  readonly logarithms = new Float64Array(CELLS);
  /** The top, in cells from the middle. */
  x = 0;
  y = 0;
  readonly #equations = new Float64Array(TERMS * ROW);
  readonly #moments = new Float64Array(CELLS);

  /**
   * Find the top by `weights` and `logarithms`.
   *
   * log v = p · (1, u, v, u² + v², u² − v², uv), least squares with weights v² (they undo what the logarithm does to the
   * noise of small values), after Guo, "A simple algorithm for fitting a Gaussian function", IEEE Signal Processing
   * Magazine 28(5), 2011.
   *
   * @param value the peak's own.
   * @returns whether the surface has a top, for it is concave; if not, `x` and `y` mean nothing.
   */
  find(value: number): boolean {
    const equations = this.#equations;
    const moments = this.#moments;
    sumMoments(this.logarithms, moments);
    for (let term = 0; term < TERMS; term++) {
      equations[term * ROW + TERMS] = momentOf(term, moments);
    }
    sumMoments(this.weights, moments);
    fillLeft(equations, moments);
    // Logarithms relative to the peak's; and the ridge is meant for weights relative to it.
    const logarithm = logarithmOf(value);
    const ridge = RIDGE * weightOf(value);
    for (let term = 0; term < TERMS; term++) {
      equations[term * ROW + TERMS] -= logarithm * momentOf(term, moments);
      equations[term * (ROW + 1)] += term < 4 ? ridge : ridge + ROUNDNESS * moments[0];
    }
    solve(equations);
    const slopeX = equations[ROW + TERMS];
    const slopeY = equations[2 * ROW + TERMS];
    const mean = equations[3 * ROW + TERMS];
    const difference = equations[4 * ROW + TERMS];
    const shear = equations[5 * ROW + TERMS];
    const bendX = mean + difference;
    const bendY = mean - difference;
    const determinant = 4 * bendX * bendY - shear * shear;
    this.x = (shear * slopeY - 2 * bendY * slopeX) / determinant;
    this.y = (shear * slopeX - 2 * bendX * slopeY) / determinant;
    return Math.max(bendX, bendY) < -FLAT && determinant > FLAT ** 2;
  }
}

/** Σ cell · uⁱ · vʲ, for i and j from 0 to 4, to i + 5 · j. */
function sumMoments(cells: Float64Array, moments: Float64Array): void {
  for (let line = 0; line < SIDE; line++) {
    powers(cells, SIDE * line, 1, moments);
  }
  for (let power = 0; power < SIDE; power++) {
    powers(moments, power, SIDE, moments);
  }
}

/** Of five numbers at −2 … 2, from `at` on, Σ number · placeⁱ for i from 0 to 4. */
function powers(from: Float64Array, at: number, step: number, to: Float64Array): void {
  const before = from[at + step];
  const middle = from[at + 2 * step];
  const after = from[at + 3 * step];
  const inner = after + before;
  const innerOdd = after - before;
  const outer = from[at + 4 * step] + from[at];
  const outerOdd = from[at + 4 * step] - from[at];
  to[at] = middle + inner + outer;
  to[at + step] = innerOdd + 2 * outerOdd;
  to[at + 2 * step] = inner + 4 * outer;
  to[at + 3 * step] = innerOdd + 8 * outerOdd;
  to[at + 4 * step] = inner + 16 * outer;
}

/** Σ cell · term. */
function momentOf(term: number, moments: Float64Array): number {
  switch (term) {
    case 0:
      return moments[0];
    case 1:
      return moments[1];
    case 2:
      return moments[5];
    case 3:
      return moments[2] + moments[10];
    case 4:
      return moments[2] - moments[10];
    default:
      return moments[6];
  }
}

/** The left side of the equations, Σ weight · term · term. It is symmetric, so that the upper half will do. */
function fillLeft(equations: Float64Array, moments: Float64Array): void {
  const even = moments[4] + moments[20];
  const mixed = 2 * moments[12];
  for (let term = 0; term < TERMS; term++) {
    equations[term] = momentOf(term, moments);
  }
  // Row 1, from its diagonal on.
  equations[8] = moments[2];
  equations[9] = moments[6];
  equations[10] = moments[3] + moments[11];
  equations[11] = moments[3] - moments[11];
  equations[12] = moments[7];
  // Row 2.
  equations[16] = moments[10];
  equations[17] = moments[7] + moments[15];
  equations[18] = moments[7] - moments[15];
  equations[19] = moments[11];
  // Row 3.
  equations[24] = even + mixed;
  equations[25] = moments[4] - moments[20];
  equations[26] = moments[8] + moments[16];
  // Rows 4 and 5.
  equations[32] = even - mixed;
  equations[33] = moments[8] - moments[16];
  equations[40] = moments[12];
}

/** Gauss's elimination of a positive definite system by its upper half; the answer replaces the other side. */
function solve(equations: Float64Array): void {
  for (let pivot = 0; pivot < TERMS; pivot++) {
    const from = pivot * ROW;
    for (let row = pivot + 1; row < TERMS; row++) {
      const factor = equations[from + row] / equations[from + pivot];
      for (let column = row; column < ROW; column++) {
        equations[row * ROW + column] -= factor * equations[from + column];
      }
    }
  }
  for (let row = TERMS - 1; row >= 0; row--) {
    let rest = equations[row * ROW + TERMS];
    for (let column = row + 1; column < TERMS; column++) {
      rest -= equations[row * ROW + column] * equations[column * ROW + TERMS];
    }
    equations[row * ROW + TERMS] = rest / equations[row * (ROW + 1)];
  }
}
