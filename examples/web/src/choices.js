// The engine and its threads: another one is another worker.

const byId = (id) => document.getElementById(id);
const ENGINES = { onnxruntime: "ONNX Runtime Web", litert: "LiteRT.js" };
const MOST_THREADS = 4;

/** Call `changed()` when another engine is wanted. */
export function fillChoices(changed) {
  byId("engine").append(...Object.entries(ENGINES).map(([value, name]) => new Option(name, value)));
  // Threads share memory, which a page has only with the headers of serve.mjs.
  const most = self.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MOST_THREADS) : 1;
  byId("threads").append(...Array.from({ length: most }, (_, i) => new Option(i + 1)));
  byId("threads").disabled = most === 1;
  for (const id of ["engine", "threads"]) byId(id).addEventListener("change", changed);
}

/** @returns {{engine: string, threads: number}} */
export const choices = () => ({ engine: byId("engine").value, threads: Number(byId("threads").value) });

/** What answers, after it was changed or another one was refused. */
export function showChoices({ engine, threads }) {
  byId("engine").value = Object.keys(ENGINES).find((name) => engine?.startsWith(name)) ?? byId("engine").value;
  byId("threads").value = threads;
}
