/** The requests of the protocol, answered by the web runtime: in Node or in a page. */

import { sha256 } from "../src/bundle/digest.js";
import { checkGoldens } from "../src/check/self-check.js";
import type { Engine } from "../src/engines/engine.js";
import { BundleError, FpmEdgeError, UsageError } from "../src/errors.js";
import { type Bundle, openBundle } from "../src/stages/bundle.js";
import { Recognizer } from "../src/stages/recognizer.js";
import type { Session } from "../src/stages/session.js";
import { type Request, readRequest } from "./fields.js";
import { GivenClock, GivenEngine, timed } from "./given.js";
import { decoded, letterboxed, monitored, pictureOf, reading } from "./pieces.js";
import { plainBundle, plainDetection, plainGoldens, plainRecognized, plainStage } from "./plain.js";

/** The client's files, wherever they are. */
export interface Files {
  read(path: string): Promise<Uint8Array>;
  write(path: string, bytes: Uint8Array): Promise<void>;
}

/** What a client is made of. */
export interface ClientParts {
  readonly runtime: string;
  readonly version: string;
  readonly engines: readonly Engine[];
  readonly files: Files;
}

const ABILITIES = (
  "trusted_keys letterbox decode recognize self_check monitor detect stages detect_input converge looks clock " +
  "given_engine int16_maps uint8_maps monitor_state reference_state"
).split(" ");

/** One client: at most one open bundle, and at most one session of it. */
export class Answers {
  #bundle: Bundle | null = null;
  #session: Session | null = null;
  #clock: GivenClock | null = null;
  #given: GivenEngine | null = null;

  constructor(private readonly parts: ClientParts) {}

  /** The answer to a line, a line itself; `last` where nothing comes after it. */
  async to(line: string): Promise<{ answer: string; last: boolean }> {
    let id: unknown = null;
    let last = false;
    try {
      const request = readRequest(line, (found) => {
        id = found;
      });
      last = request.do === "bye";
      return { answer: JSON.stringify({ id, ok: await this.#answer(request) }), last };
    } catch (error) {
      const known = error instanceof FpmEdgeError;
      const message = known ? error.message : `${(error as Error).stack ?? error}`;
      const found = { class: classOf(error), exit_code: known ? error.exitCode : 1, message };
      return { answer: JSON.stringify({ id, error: found }), last };
    }
  }

  async #answer(request: Request): Promise<unknown> {
    const { files } = this.parts;
    switch (request.do) {
      case "hello": {
        const engines = this.parts.engines.map(({ name, version, formats }) => {
          // LiteRT.js has no others.
          const tensors = name.startsWith("litert") ? { tensors: ["uint8", "float32"] } : {};
          return { name, version, formats, ...tensors };
        });
        return { protocol: 1, runtime: this.parts.runtime, version: this.parts.version, engines, abilities: ABILITIES };
      }
      case "open": {
        this.#close();
        this.#bundle = await this.#open(request, await this.#content(request));
        return plainBundle(this.#bundle);
      }
      case "judge": {
        const content = await reading(files, request.path);
        const verdicts: (string | null)[] = [];
        for (const damage of request.damages) verdicts.push(await this.#verdict(request, damaged(content, damage)));
        return { verdicts };
      }
      case "check":
        await this.#opened().check();
        return {};
      case "read": {
        const bytes = await this.#opened().read(request.member);
        return { size: bytes.length, sha256: await sha256(bytes) };
      }
      case "close":
      case "bye":
        this.#close();
        return {};
      case "letterbox":
        return letterboxed(files, request);
      case "decode":
        return decoded(files, request);
      case "recognize":
        return this.#recognized(request);
      case "load":
        return this.#load(request);
      case "detect": {
        const options = { ...asked(request), convergePx: request.converge_px, looks: request.looks ?? 1 };
        return plainDetection(await this.#loaded().detect(await pictureOf(files, request), options));
      }
      case "stages":
        return this.#stages(request);
      case "detect_input": {
        const picture = await pictureOf(files, request);
        const results = await this.#loaded().detectInput(picture, { stages: request.stages });
        return { results: results.map(plainStage) };
      }
      case "runs": {
        if (this.#given === null) throw new UsageError("no engine `given` is loaded");
        const { runs } = this.#given;
        this.#given.runs = [];
        return { runs };
      }
      case "self_check":
        return plainGoldens(await checkGoldens(this.#loaded()));
      default:
        return monitored(request, this.#bundle);
    }
  }

  async #open(request: Request, content: Uint8Array): Promise<Bundle> {
    const keys: string[] | undefined = request.trusted_keys;
    const trustedKeys = keys && (await Promise.all(keys.map((path) => reading(this.parts.files, path))));
    return openBundle(content, { trustedKeys, now: request.now });
  }

  /** What is to be opened: a path that is no file is no bundle. */
  async #content({ path, damage }: Request): Promise<Uint8Array> {
    try {
      return damaged(await reading(this.parts.files, path), damage ?? []);
    } catch (error) {
      throw damage === undefined ? new BundleError((error as Error).message) : error;
    }
  }

  async #verdict(request: Request, content: Uint8Array): Promise<string | null> {
    try {
      await (await this.#open(request, content)).check();
      return null;
    } catch (error) {
      return classOf(error);
    }
  }

  #recognized(request: Request) {
    const recognizer = new Recognizer(this.#opened().manifest);
    const { stage, scores, category = null } = request;
    if (stage < 1 || stage > this.#opened().stages) throw new UsageError(`stage is ${stage}`);
    recognizer.check(category);
    return {
      results: scores.map((some: number[]) => plainRecognized(recognizer.at(stage, Float32Array.from(some), category))),
    };
  }

  async #load(request: Request) {
    const bundle = this.#opened();
    this.#free();
    let engine: Engine | undefined;
    if (request.engine === "given") {
      const answers: Record<string, { path: string; bytes: Uint8Array }[]> = {};
      for (const [tensor, paths] of Object.entries<string[]>(request.answers ?? {})) {
        answers[tensor] = await Promise.all(
          paths.map(async (path) => ({ path, bytes: await reading(this.parts.files, path) })),
        );
      }
      engine = this.#given = new GivenEngine(answers);
    } else {
      const able = this.parts.engines.filter(({ formats }) => formats.some((form) => bundle.formats.includes(form)));
      engine = request.engine
        ? this.parts.engines.find(({ name }) => name === request.engine)
        : (able[0] ?? this.parts.engines[0]);
      if (engine === undefined) throw new UsageError(`unknown engine '${request.engine}'`);
    }
    const clock = request.clock && new GivenClock(request.clock);
    this.#clock = clock ?? null;
    const session = await bundle.session({
      engine: clock ? timed(engine, clock) : engine,
      format: request.format,
      threads: request.threads,
      stages: request.stages,
      ...(clock ? { clock: clock.now } : {}),
    });
    if (this.#given) this.#given.runs = [];
    this.#session = session;
    return {
      engine: session.engine,
      engine_version: session.engineVersion,
      format: session.format,
      stage_limit: session.stageLimit,
    };
  }

  async #stages(request: Request) {
    const results = [];
    for await (const result of this.#loaded().stages(await pictureOf(this.parts.files, request), asked(request))) {
      results.push(plainStage(result));
      this.#clock?.move(request.pause_ms ?? 0);
    }
    return { results };
  }

  #opened(): Bundle {
    if (this.#bundle === null) throw new UsageError("no bundle is open");
    return this.#bundle;
  }

  #loaded(): Session {
    if (this.#session === null) throw new UsageError("no session is loaded");
    return this.#session;
  }

  #free(): void {
    this.#session?.dispose();
    this.#session = this.#given = this.#clock = null;
  }

  #close(): void {
    this.#free();
    this.#bundle = null;
  }
}

function asked({ category, box, stages, deadline_ms }: Request) {
  return { category, box, stages, deadlineMs: deadline_ms };
}

function classOf(error: unknown): string {
  return error instanceof FpmEdgeError ? error.name : "Unexpected";
}

function damaged(content: Uint8Array, damage: readonly (readonly [number, number | null, string])[]): Uint8Array {
  let changed = content;
  for (const [offset, removed, inserted] of damage) {
    const start = Math.min(offset, changed.length);
    const end = removed === null ? changed.length : Math.min(start + removed, changed.length);
    const bytes = Uint8Array.from(inserted.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
    const next = new Uint8Array(start + bytes.length + changed.length - end);
    next.set(changed.subarray(0, start));
    next.set(bytes, start);
    next.set(changed.subarray(end), start + bytes.length);
    changed = next;
  }
  return changed;
}
