package fpm.edge.conformance

import fpm.edge.bundle.Format
import fpm.edge.check.GoldenReport
import fpm.edge.pixels.Letterbox
import fpm.edge.pixels.Reading
import fpm.edge.stages.Answer
import fpm.edge.stages.Bundle
import fpm.edge.stages.Detection
import fpm.edge.stages.Recognized
import fpm.edge.stages.StageResult

/** x, y, x, y, … → pairs. */
internal fun pairs(points: FloatArray): List<List<Float>> = points.asList().chunked(2)

internal fun plainBundle(bundle: Bundle): Map<String, Any?> {
    val manifest = bundle.manifest
    return mapOf(
        "digest" to bundle.digest,
        "name" to manifest.name,
        "schema_version" to manifest.schemaVersion,
        "stages" to bundle.stages,
        "formats" to Format.entries.filter { it in bundle.formats }.map { it.label },
        "members" to bundle.members,
        "landmarks" to manifest.landmarks.landmarks,
        "categories" to manifest.landmarks.categories,
        "input" to listOf(manifest.geometry.inputWidth, manifest.geometry.inputHeight),
        "stride" to manifest.geometry.stride,
        "signature" to
            bundle.signature?.let {
                mapOf(
                    "manifest" to it.manifest,
                    "key" to it.key,
                    "created" to it.created,
                    "expires" to it.expires,
                    "sequence" to it.sequence,
                )
            },
    )
}

internal fun plainFit(fit: Letterbox): Map<String, Any> =
    mapOf(
        "box" to listOf(fit.box.x0, fit.box.y0, fit.box.x1, fit.box.y1),
        "width" to fit.width,
        "height" to fit.height,
        "left" to fit.left,
        "top" to fit.top,
        "scale_x" to fit.scaleX,
        "scale_y" to fit.scaleY,
    )

internal fun plainReading(reading: Reading): Map<String, Any> =
    mapOf(
        "cells" to pairs(reading.cells),
        "scores" to reading.scores,
        "doubts" to reading.doubts.entries.associate { "${it.key}" to it.value.label },
    )

internal fun plainRecognized(recognized: Recognized): Map<String, Any?> =
    mapOf(
        "category" to recognized.category,
        "score" to recognized.score,
        "labelled" to recognized.labelled,
        "confidences" to recognized.confidences,
    )

internal fun plainStage(result: StageResult): Map<String, Any?> =
    mapOf("stage" to result.stage, "elapsed_ms" to result.elapsedMs) + found(result)

internal fun plainDetection(detection: Detection): Map<String, Any?> =
    mapOf(
        "stages_run" to detection.stagesRun,
        "stop_reason" to detection.stopReason.label,
        "looks" to detection.look,
        "engine" to detection.engine,
        "timings" to
            mapOf(
                "preprocess_ms" to detection.timings.preprocessMs,
                "pieces" to detection.timings.pieces,
                "decode_ms" to detection.timings.decodeMs,
                "total_ms" to detection.timings.totalMs,
            ),
    ) + found(detection)

internal fun plainGoldens(report: GoldenReport): Map<String, Any?> =
    mapOf(
        "cases" to report.cases,
        "ok" to report.isOk,
        "verdict" to report.verdict.label,
        "stages" to
            report.stages.map {
                mapOf(
                    "stage" to it.stage,
                    "mean" to it.mean,
                    "worst" to it.worst,
                    "worst_case" to it.worstCase,
                    "limit" to it.limit,
                    "verdict" to it.verdict.label,
                )
            },
    )

private fun found(answer: Answer): Map<String, Any?> =
    mapOf(
        "landmarks" to pairs(answer.landmarks),
        "scores" to answer.scores,
        "labelled" to answer.labelled,
        "doubts" to answer.doubts.mapValues { it.value.label },
        "category" to answer.category,
        "category_score" to answer.categoryScore,
        "confidences" to answer.confidences,
    )
