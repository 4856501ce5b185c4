// Offline: the page's own files, kept under a version that is a hash of their content. Nothing else is kept.
// `npm run build` fills in the two lines below (bundling/offline.js).

const VERSION = "";
const FILES = [];

// What is large is kept when the page first asks for it: the bundle, and of the engines the one that is used.
const LARGE = /\/engines\/|\.fpm$/;
// Other apps of this origin have caches of their own.
const NAME = `${self.registration.scope} ${VERSION}`;
const addresses = new Set(FILES.map((path) => new URL(path, self.location).href));

self.addEventListener("install", (event) => {
  const now = [...addresses].filter((address) => !LARGE.test(address));
  // Past the browser's own cache, or a new version would keep old files.
  const asked = now.map((address) => new Request(address, { cache: "reload" }));
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(asked)));
});

self.addEventListener("activate", (event) => {
  const { scope } = self.registration;
  const old = async () => (await caches.keys()).filter((name) => name.startsWith(`${scope} `) && name !== NAME);
  event.waitUntil(old().then((names) => Promise.all(names.map((name) => caches.delete(name)))));
  // Also of the page that registered this: its bundle and engine are still to come.
  event.waitUntil(self.clients.claim());
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  url.search = url.hash = "";
  if (url.href === self.registration.scope) url.pathname += "index.html";
  if (event.request.method === "GET" && addresses.has(url.href)) event.respondWith(kept(url.href));
});

async function kept(address) {
  const cache = await caches.open(NAME);
  const found = await cache.match(address);
  if (found) return found;
  const response = await fetch(address, { cache: "reload" });
  if (response.ok) await cache.put(address, response.clone());
  return response;
}
