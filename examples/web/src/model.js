// A bundle that is loaded, in a worker, and the monitor that watches it.

import {
  checkGoldens, createWorkerSession, DriftMonitor, driftLimits, FpmEdgeError, indexedDBStore, Live, Shadow,
} from "fpm-edge";

// A model that takes longer than this to load will not come any more.
const PATIENCE_MS = 120_000;
const FLOAT = "reference/float.fpm";
const NO_FLOAT = "This bundle has no float model inside (convert --reference): answers are not compared with it.";
const store = indexedDBStore("fpm-edge-example");

/**
 * Load a bundle into an engine.
 *
 * @param {{source: string | File, engine?: string, threads: number}} asked without an engine, one that reads the bundle
 * @throws FpmEdgeError with a message for people
 */
export async function openModel(asked) {
  const session = await inWorker(asked);
  try {
    const { schema, digest } = session.bundle;
    const limits = await driftLimits(session.bundle);
    const monitor = new DriftMonitor(limits, schema.landmarks, { subject: `${digest} ${session.engine}` });
    return new Model(asked, session, monitor);
  } catch (error) {
    await session.close();
    throw error;
  }
}

class Model {
  #session;
  #monitor;
  #shadows;
  #frames;
  #remarks = [];
  #checking = null;
  #loaded = false; // before, there is nothing to keep, and what was kept would be lost
  /** Whether the golden cases have run; before, a verdict says nothing. */
  checked = false;

  constructor(asked, session, monitor) {
    const { manifest, schema, digest } = session.bundle;
    const { format, stageLimit: stageCount } = session;
    Object.assign(this, { manifest, schema, digest, format, stageCount, threads: asked.threads });
    this.engine = `${session.engine} ${session.engineVersion}`;
    this.#session = session;
    this.#monitor = monitor;
    this.#shadows = FLOAT in manifest.digests ? shadowsOf(asked, session, monitor) : null;
    this.#frames = new Live(this.#shadows?.frames ?? session);
    if (!this.#shadows) this.#remarks.push(NO_FLOAT);
  }

  /** Stage after stage of a picture that stands still. */
  async *stages(picture, options) {
    // A copy: what is sent to a worker is given away.
    yield* this.#session.stages(await createImageBitmap(picture), options);
  }

  /** The answer to a picture. One that was not seen before, `fresh`, is also compared with the float model. */
  async detect(picture, options, fresh) {
    const detector = (fresh && this.#shadows?.pictures) || this.#session;
    return detector.detect(await createImageBitmap(picture), options);
  }

  /** The answer to a frame of a video, which is given away; null where a newer one took its place. */
  async detectFrame(frame, options) {
    try {
      return await this.#frames.submit(frame, options);
    } finally {
      frame.close();
    }
  }

  /** What the monitor knows, and what else there is to say of it. */
  get drift() {
    return [this.#monitor.report(), this.#remarks];
  }

  /** Go on from the last visit, and run the golden cases. */
  check() {
    this.#checking = this.#check();
    return this.#checking;
  }

  async #check() {
    try {
      await this.#monitor.load(store);
    } catch (error) {
      this.#remarks.push(`Nothing is remembered between visits: ${error.message}`);
    }
    this.#loaded = true;
    if (await this.#session.bundle.golden()) this.#monitor.addGolden(await checkGoldens(this.#session));
    this.checked = true;
  }

  /** Keep what is known for the next visit. */
  async remember() {
    if (this.#loaded) await this.#monitor.save(store).catch(() => {}); // `check` has said so
  }

  async forget() {
    await (this.#checking ?? this.check()).catch(() => {}); // or it loads what is forgotten here
    this.#monitor.reset();
    await this.remember();
    await this.check();
  }

  async close() {
    await Promise.all([this.#session.close(), this.#shadows?.close()]);
  }
}

/** What compares answers with those of the float model. */
function shadowsOf(asked, session, monitor) {
  // It is TFLite, which LiteRT.js runs, in a worker of its own; loaded when the first frame is to be compared.
  let loading;
  const loaded = () => (loading ??= inWorker({ ...asked, engine: "litert", threads: 1, float: true }));
  const reference = {
    bundle: session.bundle, // the float model has the same landmarks and input, or the bundle is refused
    stageLimit: session.stageLimit,
    detectInput: async (...given) => (await loaded()).detectInput(...given),
  };
  // Pictures that somebody chose have nothing to do with each other; frames of a video have, for two minutes.
  const pictures = new Shadow(session, reference, monitor, { rate: 1, spacingS: 0 });
  const frames = new Shadow(session, reference, monitor, { rate: 1 });
  const close = async () => {
    await Promise.all([pictures.close(), frames.close()]);
    await (await loading?.catch(() => null))?.close();
  };
  return { pictures, frames, close };
}

/** A session in a worker of its own, which is ended if it takes too long. */
async function inWorker(setup) {
  const worker = new Worker(new URL("./worker.js", import.meta.url));
  const folder = new URL("engines/", document.baseURI).href;
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      worker.terminate();
      reject(new FpmEdgeError(`The model was not loaded within ${PATIENCE_MS / 1000} seconds.`));
    }, PATIENCE_MS);
  });
  return Promise.race([createWorkerSession(worker, { ...setup, folder }), late]).finally(() => clearTimeout(timer));
}
