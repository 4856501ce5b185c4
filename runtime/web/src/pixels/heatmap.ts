/** One heatmap among others, and what its peak is. */

import { CELLS, RADIUS } from "./subpixel.js";

/** The numbers of heatmaps: codes, or real values. */
export type HeatmapData = Int8Array | Uint8Array | Int16Array | Float32Array;

/** One heatmap among others: cell i is `codes[first + i · step]`. */
export interface Heatmap {
  readonly codes: HeatmapData;
  readonly height: number;
  readonly width: number;
  readonly step: number;
  readonly first: number;
}

/** The largest code of a map and the cells that hold it. */
export interface Peak {
  code: number;
  /** How many cells; all those of the map if it is the same everywhere, and then nothing below is set. */
  cells: number;
  /** The cell around which to look. */
  column: number;
  row: number;
  /** The centroid of the peak's cells, and the outermost of them. */
  x: number;
  y: number;
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/**
 * The codes around a cell, row by row.
 *
 * @param into (25) the codes.
 * @param outside the code of cells that are not in the map.
 */
export function lookAround(map: Heatmap, column: number, row: number, into: Float64Array, outside: number): void {
  const { codes, height, width, step, first } = map;
  let to = 0;
  for (let y = row - RADIUS; y <= row + RADIUS; y++) {
    for (let x = column - RADIUS; x <= column + RADIUS; x++) {
      const inside = y >= 0 && y < height && x >= 0 && x < width;
      into[to++] = inside ? codes[first + (y * width + x) * step] : outside;
    }
  }
}

/** Room for what `lookAround` sees. */
export function newWindow(): Float64Array {
  return new Float64Array(CELLS);
}
