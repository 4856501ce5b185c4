package fpm.edge.bundle

import fpm.edge.BundleException
import fpm.edge.pixels.Dtype
import fpm.edge.pixels.Layout

/*
 * `manifest.json` and `golden/golden.json`: from bytes to what Manifest.kt describes, or what is wrong with them.
 */

/** Version 2 added int16 tensors, two precisions and `convergence`; 3 `recognition`; 4 uint8 heatmaps. */
private val READABLE_VERSIONS = 1..4
private val SINCE_2 = setOf("int16x8", "dynamic-range")
private const val REMEDY = "make the bundle again"

/** The version, which stands first: what comes behind one that is not known may well be unknown too. */
private val readable: Field<Long> = { json ->
    val stated = json.int()
    if (stated !in READABLE_VERSIONS) {
        throw BundleException(
            "the bundle has schema version $stated, this runtime reads ${READABLE_VERSIONS.first} to " +
                "${READABLE_VERSIONS.last}; update fpm-edge, or convert again with this version",
        )
    }
    stated
}

private val format = oneOf(Format.entries, Format::label)

private val schema =
    struct(
        mapOf(
            "name" to text,
            "landmarks" to list(text),
            "flip" to list(int),
            "categories" to dict(list(int)),
            "normalizers" to dict(pair(int)),
            "groups" to dict(list(int)),
        ),
        mapOf("normalizers" to emptyMap<String, Any>(), "groups" to emptyMap<String, Any>()),
    ) { record ->
        LandmarkSchema(
            name = record["name"],
            landmarks = record["landmarks"],
            flip = clamped(record.get<List<Long>>("flip")),
            categories = record.get<Map<String, List<Long>>>("categories").mapValues { clamped(it.value) },
            normalizers =
                record.get<Map<String, Pair<Long, Long>>>("normalizers").mapValues { (_, pair) ->
                    clamped(pair.first) to clamped(pair.second)
                },
            groups = record.get<Map<String, List<Long>>>("groups").mapValues { clamped(it.value) },
        ).also(::checkSchema)
    }

private val tensor =
    struct(
        mapOf(
            "name" to text,
            "dtype" to oneOf(Dtype.entries, Dtype::label),
            "shape" to list(int),
            "layout" to oneOf(Layout.entries, Layout::name),
            "scale" to nullable(float),
            "zero_point" to nullable(int),
        ),
        mapOf("scale" to null, "zero_point" to null),
    ) { record ->
        TensorSpec(
            name = record["name"],
            dtype = record["dtype"],
            shape = clamped(record.get<List<Long>>("shape")),
            layout = record["layout"],
            scale = record["scale"],
            zeroPoint = record.get<Long?>("zero_point")?.let(::clamped),
        )
    }

private val piece =
    struct(
        mapOf("name" to text, "member" to text, "inputs" to list(tensor), "outputs" to list(tensor)),
    ) { Piece(it["name"], it["member"], it["inputs"], it["outputs"]) }

private val geometry =
    struct(
        mapOf(
            "input_height" to int,
            "input_width" to int,
            "stride" to int,
            "channels" to oneOf("RGB"),
            "resize" to oneOf("letterbox"),
        ),
        mapOf("channels" to "RGB", "resize" to "letterbox"),
    ) { Geometry(it.int("input_height"), it.int("input_width"), it.int("stride")) }

private val quantization =
    struct(
        mapOf(
            "precision" to oneOf("int8", "int16x8", "dynamic-range", "float16", "float32"),
            "method" to oneOf("none", "ptq", "qat"),
            "exceptions" to dict(oneOf("int16x8", "float16")),
        ),
        mapOf("exceptions" to emptyMap<String, String>()),
    ) { Quantization(it["precision"], it["method"], it["exceptions"]) }

private val calibration =
    struct(
        mapOf(
            "strategy" to text,
            "source" to text,
            "seed" to int,
            "samples" to list(text),
            "digest" to text,
            "estimator" to text,
            "ranges" to dict(pair(float)),
        ),
    ) {
        CalibrationCard(
            strategy = it["strategy"],
            source = it["source"],
            seed = it["seed"],
            samples = it["samples"],
            digest = it["digest"],
            estimator = it["estimator"],
            ranges = it["ranges"],
        )
    }

private val interval =
    struct(mapOf("estimate" to float, "lower" to float, "upper" to float)) {
        Interval(it["estimate"], it["lower"], it["upper"])
    }

private val measurement =
    struct(
        mapOf(
            "stage" to int,
            "float_ne" to float,
            "converted_ne" to float,
            "drift" to interval,
            "relative_drift" to interval,
            "disagreement" to interval,
        ),
    ) {
        StageMeasurement(
            stage = it.int("stage"),
            floatNe = it["float_ne"],
            convertedNe = it["converted_ne"],
            drift = it["drift"],
            relativeDrift = it["relative_drift"],
            disagreement = it["disagreement"],
        )
    }

private val measured =
    struct(
        mapOf(
            "source" to text,
            "pictures" to int,
            "format" to format,
            "engine" to text,
            "stages" to list(measurement),
        ),
    ) { Measured(it["source"], it.int("pictures"), it["format"], it["engine"], it["stages"]) }

private val convergence =
    struct(
        mapOf(
            "px" to float,
            "max_ne_loss" to float,
            "ne_loss" to interval,
            "stages_run" to float,
            "pictures" to int,
        ),
    ) { Convergence(it["px"], it["max_ne_loss"], it["ne_loss"], it["stages_run"], it.int("pictures")) }

private val rule =
    struct(
        mapOf(
            "weights" to list(list(float)),
            "biases" to list(float),
            "found" to float,
            "nothing_found" to float,
            "garments_lost" to float,
        ),
    ) { CategoryRule(it["weights"], it["biases"], it["found"], it["nothing_found"], it["garments_lost"]) }

private val categories =
    struct(
        mapOf(
            "names" to list(text),
            "stages" to list(rule),
            "source" to text,
            "pictures" to int,
            "nothing_source" to text,
            "nothing" to int,
            "folds" to int,
        ),
    ) {
        Categories(
            names = it["names"],
            stages = it["stages"],
            source = it["source"],
            pictures = it.int("pictures"),
            nothingSource = it["nothing_source"],
            nothing = it.int("nothing"),
            folds = it.int("folds"),
        )
    }

private val curve =
    struct(mapOf("scores" to list(float), "confidences" to list(float), "calibration_error" to float)) {
        ConfidenceCurve(it["scores"], it["confidences"], it["calibration_error"])
    }

private val confidences =
    struct(
        mapOf("stages" to list(curve), "source" to text, "pictures" to int, "points" to int),
    ) { Confidences(it["stages"], it["source"], it.int("pictures"), it.int("points")) }

private val recognition =
    struct(
        mapOf("categories" to nullable(categories), "confidences" to nullable(confidences)),
        mapOf("categories" to null, "confidences" to null),
    ) { Recognition(it["categories"], it["confidences"]) }

/** The pieces of each format; other formats are unknown keys. */
private val pieces: Field<Map<Format, List<Piece>>> = { json ->
    val made = LinkedHashMap<Format, List<Piece>>()
    json.entries { key ->
        val of = Format.entries.find { it.label == key } ?: json.fail("Invalid key '$key'; expected tflite, onnx")
        made[of] = list(piece)(json)
    }
    made
}

private val manifest =
    struct(
        mapOf(
            "schema_version" to readable,
            "name" to text,
            "created" to text,
            "landmarks" to schema,
            "geometry" to geometry,
            "quantization" to quantization,
            "stages" to int,
            "pieces" to pieces,
            "digests" to dict(text),
            "versions" to dict(text),
            "calibration" to nullable(calibration),
            "measured" to nullable(measured),
            "max_ne_drift" to nullable(float),
            "max_part_drift" to nullable(float),
            "convergence" to nullable(convergence),
            "recognition" to nullable(recognition),
            "model" to dict(any),
        ),
        listOf("calibration", "measured", "max_ne_drift", "max_part_drift", "convergence", "recognition")
            .associateWith { null } + ("model" to emptyMap<String, Any?>()),
    ) {
        Manifest(
            schemaVersion = it.int("schema_version"),
            name = it["name"],
            created = it["created"],
            landmarks = it["landmarks"],
            geometry = it["geometry"],
            quantization = it["quantization"],
            stages = it.int("stages"),
            pieces = it["pieces"],
            digests = it["digests"],
            versions = it["versions"],
            calibration = it["calibration"],
            measured = it["measured"],
            maxNeDrift = it["max_ne_drift"],
            maxPartDrift = it["max_part_drift"],
            convergence = it["convergence"],
            recognition = it["recognition"],
            model = it["model"],
        )
    }

private val golden =
    struct(
        mapOf(
            "cases" to
                list(
                    struct(
                        mapOf("member" to text, "category" to text, "landmarks" to list(list(pair(float)))),
                    ) { record ->
                        val stages = record.get<List<List<Pair<Double, Double>>>>("landmarks")
                        GoldenCase(
                            record["member"],
                            record["category"],
                            stages.map { points -> points.flatMap { it.toList() }.toDoubleArray() },
                        )
                    },
                ),
            "limits" to list(float),
        ),
    ) { GoldenSet(it["cases"], it["limits"]) }

/** Throws [BundleException] for the first field that is wrong, or a version that this runtime does not read. */
internal fun decodeManifest(bytes: ByteArray): Manifest {
    val made = decode(bytes, manifest, MANIFEST, REMEDY)
    val needed = schemaVersionFor(made)
    if (made.schemaVersion < needed) {
        throw BundleException(
            "$MANIFEST states schema version ${made.schemaVersion} and has content of version $needed; $REMEDY",
        )
    }
    made.recognition?.let { checkRecognition(it, made.landmarks, made.stages) }
    return made
}

/** Throws [BundleException] for the first field that is wrong. */
internal fun decodeGolden(bytes: ByteArray): GoldenSet = decode(bytes, golden, GOLDEN, REMEDY)

/** The lowest schema version that a manifest with this content may state. */
private fun schemaVersionFor(manifest: Manifest): Int {
    val all = manifest.pieces.values.flatten()
    if (all.any { one -> one.outputs.any { it.dtype == Dtype.UINT8 && it.name.startsWith("heatmap_") } }) return 4
    if (manifest.recognition != null) return 3
    val kinds = manifest.quantization.exceptions.values + manifest.quantization.precision
    val has16 = all.any { one -> (one.inputs + one.outputs).any { it.dtype == Dtype.INT16 } }
    return if (manifest.convergence != null || kinds.any { it in SINCE_2 } || has16) 2 else 1
}
