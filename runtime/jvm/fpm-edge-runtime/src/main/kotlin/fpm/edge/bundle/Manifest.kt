package fpm.edge.bundle

import fpm.edge.BundleException
import fpm.edge.pixels.Dtype
import fpm.edge.pixels.Layout

/** A form of the network in a bundle; [label] as the manifest has it. */
public enum class Format(
    public val label: String,
) {
    TFLITE("tflite"),
    ONNX("onnx"),
}

/**
 * A tensor at the edge of a piece.
 *
 * @property shape sizes of its axes, in the order of [layout]; numbers are row-major.
 * @property scale real = scale · (code − zeroPoint) where a scale is given; null for real values.
 */
public class TensorSpec(
    public val name: String,
    public val dtype: Dtype,
    public val shape: List<Int>,
    public val layout: Layout,
    public val scale: Double?,
    public val zeroPoint: Int?,
) {
    /**
     * How many numbers it holds.
     *
     * @throws BundleException their bytes are more than a buffer holds, 2 GiB: sides may each be as long as is allowed.
     */
    public val size: Int
        get() {
            var numbers = 1L
            for (axis in shape) {
                numbers *= axis
                if (numbers > Int.MAX_VALUE / dtype.bytes) {
                    throw BundleException(
                        "$MANIFEST: tensor $name is ${dtype.label} (${shape.joinToString(",")}), over 2 GiB; expected " +
                            "a tensor that fits into memory; make the bundle again",
                    )
                }
            }
            return numbers.toInt()
        }
}

/** One separately loadable part of the network: `stage_1`, `context` or `stage_<t>`. */
public class Piece(
    public val name: String,
    public val member: String,
    public val inputs: List<TensorSpec>,
    public val outputs: List<TensorSpec>,
)

/**
 * How a picture becomes the input, and a heatmap cell a point (half-pixel rule, see [fpm.edge.pixels.cellsToInput]).
 *
 * @property inputHeight pixels, as [inputWidth]; channels are RGB, and the picture is letterboxed.
 * @property stride pixels of the input a cell.
 */
public data class Geometry(
    public val inputHeight: Int,
    public val inputWidth: Int,
    public val stride: Int,
)

/** How the numbers are stored (`int8`, `int16x8`, …), and how their ranges were found (`none`, `ptq`, `qat`). */
public class Quantization(
    public val precision: String,
    public val method: String,
    public val exceptions: Map<String, String>,
)

/** Which pictures set the ranges, and which ranges they gave. */
public class CalibrationCard(
    public val strategy: String,
    public val source: String,
    public val seed: Long,
    public val samples: List<String>,
    public val digest: String,
    public val estimator: String,
    public val ranges: Map<String, Pair<Double, Double>>,
)

/** An estimate with its two-sided 95 % bootstrap bounds. */
public class Interval(
    public val estimate: Double,
    public val lower: Double,
    public val upper: Double,
)

/** NE of one stage on the scoring data: float model, converted file, their difference, their disagreement. */
public class StageMeasurement(
    public val stage: Int,
    public val floatNe: Double,
    public val convertedNe: Double,
    public val drift: Interval,
    public val relativeDrift: Interval,
    public val disagreement: Interval,
)

/** What the converted file scored when it was made, on which data, in which engine. */
public class Measured(
    public val source: String,
    public val pictures: Int,
    public val format: Format,
    public val engine: String,
    public val stages: List<StageMeasurement>,
)

/** When to run no further stage: no clear landmark moved by more than [px] pixels of the input since the stage before. */
public class Convergence(
    public val px: Double,
    public val maxNeLoss: Double,
    public val neLoss: Interval,
    public val stagesRun: Double,
    public val pictures: Int,
)

/**
 * Names and relations of the landmarks.
 *
 * @property flip index of each landmark's mirror image.
 * @property categories name → indices of the landmarks that it has.
 */
public data class LandmarkSchema(
    public val name: String,
    public val landmarks: List<String>,
    public val flip: List<Int>,
    public val categories: Map<String, List<Int>>,
    public val normalizers: Map<String, Pair<Int, Int>>,
    public val groups: Map<String, List<Int>>,
)

/** The rule of one stage: categories × landmarks weights, and a bias a category. */
public class CategoryRule(
    public val weights: List<List<Double>>,
    public val biases: List<Double>,
    public val found: Double,
    public val nothingFound: Double,
    public val garmentsLost: Double,
)

/** How the category is found from the scores of a stage. */
public class Categories(
    public val names: List<String>,
    public val stages: List<CategoryRule>,
    public val source: String,
    public val pictures: Int,
    public val nothingSource: String,
    public val nothing: Int,
    public val folds: Int,
)

/** Score → probability that the landmark lies within 0.05 of its true place, of one stage. */
public class ConfidenceCurve(
    public val scores: List<Double>,
    public val confidences: List<Double>,
    public val calibrationError: Double,
)

/** The curves of all stages, and what they were fitted to. */
public class Confidences(
    public val stages: List<ConfidenceCurve>,
    public val source: String,
    public val pictures: Int,
    public val points: Int,
)

/** What tells garments, and good points, apart; null: the bundle has no such rule. */
public class Recognition(
    public val categories: Categories?,
    public val confidences: Confidences?,
)

/**
 * Content of `manifest.json`, with defaults filled in where a field was left out; docs/bundle-format.md has them all.
 *
 * Types only: `ManifestReader` makes one from bytes, or says what is wrong.
 *
 * @property model what the network is, for people: values as JSON has them, whole numbers as Long.
 */
public class Manifest(
    public val schemaVersion: Int,
    public val name: String,
    public val created: String,
    public val landmarks: LandmarkSchema,
    public val geometry: Geometry,
    public val quantization: Quantization,
    public val stages: Int,
    public val pieces: Map<Format, List<Piece>>,
    public val digests: Map<String, String>,
    public val versions: Map<String, String>,
    public val calibration: CalibrationCard?,
    public val measured: Measured?,
    public val maxNeDrift: Double?,
    public val maxPartDrift: Double?,
    public val convergence: Convergence?,
    public val recognition: Recognition?,
    public val model: Map<String, Any?>,
)

/**
 * One self-check input: a PNG of exactly the input's size, and the float model's answer for it.
 *
 * @property landmarks of each stage, x and y of each landmark in turn, pixels of the input.
 */
public class GoldenCase(
    public val member: String,
    public val category: String,
    public val landmarks: List<DoubleArray>,
)

/** All self-check cases, and for every stage the largest mean disagreement that counts as healthy (NE units). */
public class GoldenSet(
    public val cases: List<GoldenCase>,
    public val limits: List<Double>,
)
