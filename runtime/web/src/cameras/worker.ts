/** The worker's side of `createWorkerSession`: a session that answers messages. */

import { UsageError } from "../errors.js";
import type { StageResult } from "../stages/results.js";
import type { Session } from "../stages/session.js";
import { type Description, type MessageEnd, plainError, type Reply, type Request, release } from "./messages.js";

/** What can be served: a `Session`, or what has the same members. */
export type Served = Pick<
  Session,
  | "bundle"
  | "format"
  | "engine"
  | "engineVersion"
  | "stageLimit"
  | "delegate"
  | "delegated"
  | "detect"
  | "trace"
  | "detectInput"
  | "stages"
  | "dispose"
>;

/**
 * Answer the page's `createWorkerSession`. All that a worker's file needs:
 *
 *     import * as ort from "onnxruntime-web";
 *     import { openBundle } from "fpm-edge";
 *     import { onnxRuntime } from "fpm-edge/onnxruntime";
 *     import { serveSession } from "fpm-edge/worker";
 *
 *     serveSession(async (url) => (await openBundle(url)).session({ engine: onnxRuntime(ort) }));
 *
 * Call it before anything is awaited, or the page's first message is missed.
 *
 * @param load makes the session of what the page gave as `setup`. What it throws, `createWorkerSession` throws.
 * @param end where the messages come from; the worker's own scope unless given.
 */
// biome-ignore lint/suspicious/noExplicitAny: as a message's data is, for whoever does not say its type
export function serveSession<Setup = any>(
  load: (setup: Setup) => Promise<Served> | Served,
  end: MessageEnd = globalThis as unknown as MessageEnd,
): void {
  let session: Served | null = null;
  // By number of the request: the answers to come, and the picture.
  const running = new Map<unknown, [AsyncGenerator<StageResult, void>, unknown]>();

  const answer = async ({ task, given, fpmEdge: id }: Request): Promise<unknown> => {
    // The other side's arguments, which `Session` checks itself.
    const [first, second] = given as [never, never];
    if (task === "open") {
      session = await load(first);
      return description(session);
    }
    if (!session) {
      throw new UsageError("the session in the worker was not loaded, or is closed");
    }
    switch (task) {
      case "detect":
      case "trace":
        try {
          return await session[task](first, second);
        } finally {
          release(first); // it was given away to here
        }
      case "stages":
        try {
          running.set(id, [session.stages(first, second), first]);
        } catch (error) {
          release(first);
          throw error;
        }
        return id;
      case "next":
        return running.get(first)![0].next();
      case "return": {
        const [stages, image] = running.get(first)!;
        running.delete(first);
        release(image);
        return stages.return();
      }
      case "detectInput":
        return session.detectInput(first, second);
      case "golden":
        return session.bundle.golden();
      case "goldenInput":
        return session.bundle.goldenInput(first);
      case "close":
        return session.dispose();
    }
  };

  end.addEventListener("message", async ({ data }: { data?: Request | null }) => {
    if (typeof data?.fpmEdge !== "number" || !data.task) {
      return;
    }
    const id = data.fpmEdge;
    try {
      end.postMessage({ fpmEdge: id, value: await answer(data) } satisfies Reply, []);
    } catch (error) {
      end.postMessage({ fpmEdge: id, error: plainError(error) } satisfies Reply, []);
    }
  });
  end.start?.();
}

function description(session: Served): Description {
  const { format, engine, engineVersion, stageLimit, delegate, delegated, bundle } = session;
  const { digest, manifest } = bundle;
  return { format, engine, engineVersion, stageLimit, delegate, delegated, digest, manifest };
}
