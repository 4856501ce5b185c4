/** Sums that are numpy's to the last bit, so that both runtimes write the same state. */

/** The sum of numbers that lie side by side: eight partial sums, halves of what is longer than 128. */
export function pairwiseSum(values: ArrayLike<number>, start = 0, end = values.length): number {
  const count = end - start;
  if (count > 128) {
    const middle = start + (count >> 4) * 8;
    return pairwiseSum(values, start, middle) + pairwiseSum(values, middle, end);
  }
  let sum = 0;
  let next = start;
  if (count >= 8) {
    const parts = Float64Array.from({ length: 8 }, (_, i) => values[start + i]);
    for (next += 8; next + 8 <= end; next += 8) {
      for (let i = 0; i < 8; i++) {
        parts[i] += values[next + i];
      }
    }
    const [a, b, c, d, e, f, g, h] = parts;
    sum = a + b + (c + d) + (e + f + (g + h));
  }
  for (; next < end; next++) {
    sum += values[next];
  }
  return sum;
}
