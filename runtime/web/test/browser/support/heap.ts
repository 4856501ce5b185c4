/** How much a page holds. */

import type { Page } from "playwright-core";

/** Bytes of JavaScript's heap and of array buffers, after the garbage is gone. */
export async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  try {
    // What a collection lets go of may hold more: twice.
    await session.send("HeapProfiler.collectGarbage");
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize, backingStorageSize } = (await session.send("Runtime.getHeapUsage")) as {
      usedSize: number;
      backingStorageSize?: number;
    };
    return usedSize + (backingStorageSize ?? 0);
  } finally {
    await session.detach();
  }
}
