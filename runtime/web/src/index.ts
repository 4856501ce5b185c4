/**
 * Fashion landmarks in a browser, a kiosk or Node: open a bundle, run its stages within a deadline, watch its drift.
 *
 *     const bundle = await openBundle("/models/lite-m.fpm");
 *     const session = await bundle.session({ engine: onnxRuntime(ort) });
 *     const { landmarks } = await session.detect(video, { deadlineMs: 50 });
 */

export { BundleContents, type TrustOptions } from "./bundle/contents.js";
export type * from "./bundle/manifest.js";
export { landmarksOf } from "./bundle/schema.js";
export type { Statement } from "./bundle/signature.js";
export type { TrustedKey } from "./bundle/trusted-keys.js";
export { Live, type LiveCounts } from "./cameras/live.js";
export { Smoother, type Smoothing, type Steady } from "./cameras/smoothing.js";
export { type Cropping, type Tracked, Tracker, type TrackerOptions } from "./cameras/tracking.js";
export { createWorkerSession, type WorkerBundle, type WorkerSession } from "./cameras/worker-session.js";
export {
  checkGoldens,
  type GoldenReport,
  type GoldenSession,
  type GoldenStage,
  type Verdict,
  verdictOf,
} from "./check/self-check.js";
export { type DriftLimit, driftLimits, type LimitedBundle, TOLERANCE } from "./drift/limits.js";
export { type LogEntry, type LogSink, type StoredLog, storedLog } from "./drift/log.js";
export { CAP, DriftMonitor, type MonitorOptions } from "./drift/monitor.js";
export { flipConsistency } from "./drift/proxies.js";
export type { MonitorReport, PartMean, Proxy } from "./drift/report.js";
export {
  type FloatSession,
  Shadow,
  type ShadowCounts,
  type ShadowOptions,
  SPACING_S,
  type Watchable,
} from "./drift/shadow.js";
export { indexedDBStore, type StateStore } from "./drift/store.js";
export type { Delegate, Engine, PieceRunner, TensorData } from "./engines/engine.js";
export {
  BundleError,
  DataError,
  FpmEdgeError,
  ImageError,
  MissingExtraError,
  ModelError,
  SchemaError,
  UsageError,
} from "./errors.js";
export { type Doubt, type Reading, readHeatmaps } from "./pixels/decode.js";
export { cellsToInput, fitLetterbox, inputToCells, type Letterbox, toInput, toPicture } from "./pixels/geometry.js";
export { letterbox } from "./pixels/letterbox.js";
export { normalizedError } from "./pixels/metrics.js";
export { checkPicture, type Picture } from "./pixels/picture.js";
export { type ImageSource, MAX_PIXELS, pictureOf } from "./pixels/source.js";
export { Bundle, type OpenOptions, openBundle, type SessionOptions } from "./stages/bundle.js";
export type { LoadOptions } from "./stages/loading.js";
export { type Recognized, Recognizer } from "./stages/recognizer.js";
export type {
  Box,
  Detection,
  DetectOptions,
  Detector,
  Fallback,
  StageOptions,
  StageResult,
  StopReason,
  Timings,
  Trace,
} from "./stages/results.js";
export { Session } from "./stages/session.js";
