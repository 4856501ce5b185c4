package fpm.edge.conformance

import com.google.gson.JsonElement
import com.google.gson.JsonNull
import fpm.edge.BundleException
import fpm.edge.FpmEdgeException
import fpm.edge.UsageException
import fpm.edge.bundle.Format
import fpm.edge.bundle.TrustedKey
import fpm.edge.check.checkGoldens
import fpm.edge.engines.Engine
import fpm.edge.onnxruntime.OnnxRuntime
import fpm.edge.pixels.Box
import fpm.edge.stages.Bundle
import fpm.edge.stages.Clock
import fpm.edge.stages.Converge
import fpm.edge.stages.DetectOptions
import fpm.edge.stages.Recognizer
import fpm.edge.stages.Session
import java.io.File

private val ABILITIES =
    (
        "trusted_keys letterbox decode recognize self_check monitor detect stages detect_input converge looks clock " +
            "given_engine int16_maps uint8_maps monitor_state reference_state"
    ).split(" ")

/** One client: at most one open bundle, and at most one session of it. */
internal class Answers : AutoCloseable {
    private val engines: List<Engine> = listOf(OnnxRuntime())
    private var bundle: Bundle? = null
    private var session: Session? = null
    private var clock: GivenClock? = null
    private var given: GivenEngine? = null

    /** The answer to a line, a line itself, and whether nothing comes after it. */
    fun to(line: String): Pair<String, Boolean> {
        var id: JsonElement = JsonNull.INSTANCE
        var isLast = false
        val answer =
            try {
                val request = readRequest(line) { id = it }
                isLast = request.todo == "bye"
                mapOf("id" to id, "ok" to answer(request))
            } catch (error: FpmEdgeException) {
                mapOf("id" to id, "error" to error(classOf(error), error.exitCode, error.message))
            } catch (
                @Suppress("TooGenericExceptionCaught") error: Throwable,
            ) {
                mapOf("id" to id, "error" to error("Unexpected", 1, error.stackTraceToString()))
            }
        return json(answer) to isLast
    }

    override fun close() {
        free()
        bundle = null
    }

    private fun answer(request: Request): Any? =
        when (request.todo) {
            "hello" -> hello()
            "open" -> {
                close()
                plainBundle(open(request).also { bundle = it })
            }
            "judge" -> judge(request)
            "check" -> {
                opened().check()
                emptyMap<String, Any>()
            }
            "read" -> {
                val bytes = opened().read(request.text("member")!!)
                mapOf("size" to bytes.limit(), "sha256" to sha256(bytes))
            }
            "close", "bye" -> {
                close()
                emptyMap<String, Any>()
            }
            "letterbox" -> letterboxed(request)
            "decode" -> decoded(request)
            "recognize" -> recognized(request)
            "load" -> load(request)
            "detect" -> plainDetection(loaded().detect(pictureOf(request), asked(request)))
            "stages" -> stages(request)
            "detect_input" -> detectInput(request)
            "runs" -> runs()
            "self_check" -> plainGoldens(checkGoldens(loaded()))
            else -> monitored(request, bundle)
        }

    private fun hello() =
        mapOf(
            "protocol" to 1,
            "runtime" to "fpm-edge (JVM)",
            "version" to "0.1.0",
            "engines" to
                engines.map { engine ->
                    mapOf(
                        "name" to engine.name,
                        "version" to engine.version,
                        "formats" to engine.formats.map(Format::label),
                    )
                },
            "abilities" to ABILITIES,
        )

    private fun open(request: Request): Bundle {
        val damage = request.list("damage")
        val path = request.text("path")!!
        if (damage == null) return Bundle.open(File(path), keysOf(request), request.number("now"))
        return Bundle.open(direct(damaged(reading(path), damage)), path, keysOf(request), request.number("now"))
    }

    private fun judge(request: Request): Any {
        val path = request.text("path")!!
        val content = reading(path)
        val keys = keysOf(request)
        val verdicts =
            request.list("damages")!!.map { damage ->
                try {
                    val changed = damaged(content, damage.asJsonArray.toList())
                    Bundle.open(java.nio.ByteBuffer.wrap(changed), path, keys, request.number("now")).check()
                    null
                } catch (error: FpmEdgeException) {
                    classOf(error)
                }
            }
        return mapOf("verdicts" to verdicts)
    }

    private fun keysOf(request: Request): List<TrustedKey>? =
        request.list("trusted_keys")?.map { TrustedKey.of(reading(it.asString)) }

    private fun recognized(request: Request): Any {
        val recognizer = Recognizer(opened().manifest)
        val stage = request.int("stage")!!
        if (stage !in 1..opened().stages) throw UsageException("stage is $stage")
        val category = request.text("category")
        recognizer.check(category)
        val results =
            request.list("scores")!!.map { list ->
                val scores = list.asJsonArray.map { it.asDouble.toFloat() }.toFloatArray()
                plainRecognized(recognizer.at(stage, scores, category))
            }
        return mapOf("results" to results)
    }

    private fun load(request: Request): Any {
        val bundle = opened()
        free()
        val engine = engineOf(request.text("engine"), request, bundle)
        val clock =
            request.table("clock")?.let { times ->
                GivenClock(times.mapValues { (_, list) -> list.asJsonArray.map { it.asDouble } })
            }
        this.clock = clock
        val session =
            bundle.session(
                engine = if (clock == null) engine else Timed(engine, clock),
                format = request.text("format")?.let { label -> Format.entries.first { it.label == label } },
                threads = request.int("threads"),
                stages = request.int("stages"),
                clock = clock ?: Clock.SYSTEM,
            )
        given?.runs?.clear()
        this.session = session
        return mapOf(
            "engine" to session.engine,
            "engine_version" to session.engineVersion,
            "format" to session.format.label,
            "stage_limit" to session.stageLimit,
        )
    }

    private fun engineOf(
        name: String?,
        request: Request,
        bundle: Bundle,
    ): Engine {
        if (name == "given") {
            val answers =
                request.table("answers").orEmpty().mapValues { (_, paths) ->
                    paths.asJsonArray.map { it.asString to reading(it.asString) }
                }
            return GivenEngine(answers).also { given = it }
        }
        if (name != null) {
            return engines.find { it.name == name } ?: throw UsageException("unknown engine '$name'")
        }
        return engines.firstOrNull { engine -> engine.formats.any { it in bundle.formats } } ?: engines[0]
    }

    private fun stages(request: Request): Any {
        val results = ArrayList<Any>()
        for (result in loaded().stages(pictureOf(request), asked(request))) {
            results += plainStage(result)
            clock?.move(request.number("pause_ms") ?: 0.0)
        }
        return mapOf("results" to results)
    }

    private fun detectInput(request: Request): Any {
        val session = loaded()
        val picture = pictureOf(request)
        val results = session.detectInput(picture, request.int("stages"))
        return mapOf("results" to results.map(::plainStage))
    }

    private fun runs(): Any {
        val given = given ?: throw UsageException("no engine `given` is loaded")
        val runs = given.runs.map { mapOf("piece" to it.piece, "inputs" to it.inputs) }
        given.runs.clear()
        return mapOf("runs" to runs)
    }

    private fun opened(): Bundle = bundle ?: throw UsageException("no bundle is open")

    private fun loaded(): Session = session ?: throw UsageException("no session is loaded")

    private fun free() {
        session?.close()
        session = null
        given = null
        clock = null
    }
}

private fun asked(request: Request): DetectOptions =
    DetectOptions(
        category = request.text("category"),
        box = boxOf(request),
        stages = request.int("stages"),
        deadlineMs = request.number("deadline_ms"),
        converge =
            request.element("converge_px")?.let {
                if (it.asJsonPrimitive.isString) Converge.Fitted else Converge.Px(it.asDouble)
            },
        looks = request.int("looks") ?: 1,
    )

internal fun boxOf(request: Request): Box? =
    request.list("box")?.map { it.asDouble }?.let { (x0, y0, x1, y1) -> Box(x0, y0, x1, y1) }

private fun classOf(error: FpmEdgeException): String = error.javaClass.simpleName.replace("Exception", "Error")

private fun error(
    name: String,
    exitCode: Int,
    message: String?,
) = mapOf("class" to name, "exit_code" to exitCode, "message" to message)

private fun damaged(
    content: ByteArray,
    damage: List<JsonElement>,
): ByteArray {
    var changed = content
    for (cut in damage) {
        val (offset, removed, inserted) = cut.asJsonArray.toList()
        val start = minOf(int(offset), changed.size)
        val end = if (removed.isJsonNull) changed.size else minOf(start.toLong() + int(removed), changed.size.toLong()).toInt()
        val bytes = inserted.asString.chunked(2).map { it.toInt(16).toByte() }.toByteArray()
        val next = ByteArray(start + bytes.size + changed.size - end)
        changed.copyInto(next, 0, 0, start)
        bytes.copyInto(next, start)
        changed.copyInto(next, start + bytes.size, end, changed.size)
        changed = next
    }
    return changed
}
