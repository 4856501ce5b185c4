// Registers the service worker, which keeps the page's files: from the second visit on no network is needed.

// The page must not wait for it longer than this.
const PATIENCE_MS = 3000;

/** Wait until the service worker sees what the page fetches, so that nothing is fetched twice; or not at all. */
export async function keepFiles() {
  const worker = navigator.serviceWorker;
  if (!worker) return;
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  const controlled = new Promise((resolve) => {
    worker.addEventListener("controllerchange", resolve, { once: true });
    if (worker.controller) resolve();
  });
  try {
    await worker.register("./sw.js");
    await Promise.race([controlled, late]);
  } catch (error) {
    console.warn(`this page works online only: ${error.message}`);
  }
}

/** Whether all of these were kept. */
export async function areKept(addresses) {
  if (!self.caches) return false;
  const found = await Promise.all(addresses.map((address) => caches.match(address)));
  return found.every(Boolean);
}
