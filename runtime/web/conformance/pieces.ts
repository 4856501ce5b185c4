/** Requests that need no session: letterboxing, decoding, a drift monitor. */

import { sha256 } from "../src/bundle/digest.js";
import { TOLERANCE } from "../src/drift/limits.js";
import { DriftMonitor } from "../src/drift/monitor.js";
import { UsageError } from "../src/errors.js";
import { readHeatmaps } from "../src/pixels/decode.js";
import { fitLetterbox, toInput, toPicture } from "../src/pixels/geometry.js";
import { letterbox } from "../src/pixels/letterbox.js";
import { checkPicture, type Picture } from "../src/pixels/picture.js";
import type { Bundle } from "../src/stages/bundle.js";
import type { Files } from "./answers.js";
import type { Request } from "./fields.js";
import { numbersOf } from "./given.js";
import { pairs, plainFit, plainReading, plainReport } from "./plain.js";

/** The bytes of a file, or the UsageError of the protocol. */
export async function reading(files: Files, path: string): Promise<Uint8Array> {
  try {
    return await files.read(path);
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}`);
  }
}

export async function pictureOf(files: Files, { image, width, height }: Request): Promise<Picture> {
  const data = await reading(files, image);
  if (width < 0 || height < 0 || data.length !== width * height * 3) {
    throw new UsageError(`${image} has ${data.length} bytes, which is not ${width} × ${height} RGB`);
  }
  return { data, width, height, channels: 3 };
}

export async function letterboxed(files: Files, request: Request) {
  const picture = checkPicture(await pictureOf(files, request));
  const fit = fitLetterbox([picture.width, picture.height], request.input, request.box);
  const input = letterbox(picture, fit, request.input);
  if (request.out) await files.write(request.out, input);
  const points = request.points && Float32Array.from(request.points.flat());
  return {
    fit: plainFit(fit),
    sha256: await sha256(input as Uint8Array<ArrayBuffer>),
    ...(points && { to_picture: pairs(toPicture(fit, points)), to_input: pairs(toInput(fit, points)) }),
  };
}

export async function decoded(files: Files, request: Request) {
  const { dtype, shape, layout, landmarks, count = 1, scale = null, zero_point: zeroPoint = null } = request;
  const bytes = await reading(files, request.maps);
  const size = shape[0] * shape[1] * shape[2];
  const width = { int8: 1, uint8: 1, int16: 2, float32: 4 }[dtype as string]!;
  if (Math.min(count, ...shape) < 0 || bytes.length !== count * size * width) {
    throw new UsageError(`${request.maps} has ${bytes.length} bytes, which is not ${count} × ${shape} of ${dtype}`);
  }
  const numbers = numbersOf(dtype, bytes);
  const [rows, columns, channels] = layout === "NCHW" ? [shape[1], shape[2], shape[0]] : shape;
  if (channels !== landmarks + 1 && (layout === "NHWC" || layout === "NCHW")) {
    // The runtime takes sizes instead of a shape; with another number of channels the numbers do not fit them.
    return { readings: [plainReading(readHeatmaps(numbers.subarray(0, size), { ...geometry(), scale, zeroPoint }))] };
  }
  function geometry() {
    return { layout, height: rows, width: columns, landmarks };
  }
  return {
    readings: Array.from({ length: count }, (_, i) =>
      plainReading(readHeatmaps(numbers.subarray(i * size, (i + 1) * size), { ...geometry(), scale, zeroPoint })),
    ),
  };
}

export async function monitored(request: Request, bundle: Bundle | null) {
  const monitor = await monitorOf(request, bundle);
  if (request.state !== undefined) monitor.restore(request.state, "the state");
  const reports = [];
  const waiting: number[] = [...request.checkpoints];
  for (let number = 0; number <= request.stream.length; number++) {
    if (number > 0) take(monitor, request.stream[number - 1]);
    while (waiting[0] === number) {
      reports.push(plainReport(monitor.report()));
      waiting.shift();
    }
  }
  if (waiting.length > 0) throw new UsageError(`checkpoints ${waiting} are not in the stream, or not ascending`);
  return { reports, ...(request.save ? { state: monitor.state() } : {}) };
}

async function monitorOf(request: Request, bundle: Bundle | null): Promise<DriftMonitor> {
  const { limits, landmarks, subject, tolerance, alpha = 0.01 } = request;
  if (limits === undefined) {
    if (bundle === null || landmarks !== undefined || subject !== undefined) {
      throw new UsageError("without limits there must be an open bundle, and no landmarks or subject");
    }
    return DriftMonitor.ofBundle(bundle, { tolerance: tolerance ?? TOLERANCE, alpha });
  }
  if (landmarks === undefined || tolerance !== undefined)
    throw new UsageError("limits need landmarks, and no tolerance");
  return new DriftMonitor(limits, landmarks, { subject: subject ?? "", alpha });
}

type Distances = readonly (readonly (number | null)[])[];

// biome-ignore lint/suspicious/noExplicitAny: a step of the protocol
function take(monitor: DriftMonitor, step: any): void {
  const [[name, value] = ["", undefined], ...others] = Object.entries(step);
  if (others.length > 0) throw new UsageError("a step of the stream has several keys");
  if (name === "shadow") monitor.addShadow((value as Distances).map((row) => row.map((one) => one ?? Number.NaN)));
  else if (name === "frame") monitor.addFrame(Float32Array.from(step.frame.scores), step.frame.movement ?? null);
  else if (name === "flip") monitor.addFlip(step.flip);
  else if (name === "failure") monitor.addFailure(step.failure);
  else if (name === "golden") monitor.addGolden({ verdict: step.golden });
  else if (name === "reset" && step.reset === true) monitor.reset();
  else throw new UsageError("a step of the stream is empty, or unknown");
}
