package fpm.edge.example

import android.Manifest
import android.content.pm.PackageManager
import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.result.contract.ActivityResultContracts
import androidx.camera.core.CameraSelector
import androidx.camera.core.ImageAnalysis
import androidx.camera.core.ImageProxy
import androidx.camera.core.Preview
import androidx.camera.lifecycle.ProcessCameraProvider
import androidx.camera.view.PreviewView
import androidx.compose.foundation.Canvas
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.padding
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Slider
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.unit.dp
import androidx.compose.ui.viewinterop.AndroidView
import androidx.core.content.ContextCompat
import fpm.edge.DataException
import fpm.edge.android.openBundle
import fpm.edge.android.pictureOf
import fpm.edge.onnxruntime.OnnxRuntime
import fpm.edge.pixels.Plane
import fpm.edge.stages.Detection
import java.util.concurrent.Executors

/** What the screen shows of one answer. */
private class Shown(
    val detection: Detection,
    val width: Int,
    val height: Int,
    val certificate: String,
)

/** One screen: the camera, landmarks over it, the deadline, and what is known of drift. */
class MainActivity : ComponentActivity() {
    private val cameraThread = Executors.newSingleThreadExecutor()
    private lateinit var finder: Finder
    private lateinit var preview: PreviewView
    private var shown by mutableStateOf<Shown?>(null)
    private var problem by mutableStateOf("")

    private val ask =
        registerForActivityResult(ActivityResultContracts.RequestPermission()) { isGranted ->
            if (isGranted) start() else problem = "Without the camera there is nothing to see."
        }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        finder =
            Finder(
                openBundle(assets, "garments.fpm"),
                openBundle(assets, "float.fpm"),
                OnnxRuntime(),
                filesDir,
                found = { detection, width, height ->
                    val said = certificate()
                    runOnUiThread { shown = Shown(detection, width, height, said) }
                },
                failed = { error -> runOnUiThread { problem = error.message.orEmpty() } },
            )
        preview = PreviewView(this).apply { scaleType = PreviewView.ScaleType.FIT_CENTER }
        setContent { MaterialTheme { Screen() } }
        val granted = ContextCompat.checkSelfPermission(this, Manifest.permission.CAMERA)
        if (granted == PackageManager.PERMISSION_GRANTED) start() else ask.launch(Manifest.permission.CAMERA)
    }

    override fun onStop() {
        finder.keep()
        super.onStop()
    }

    override fun onDestroy() {
        cameraThread.shutdown()
        finder.close()
        super.onDestroy()
    }

    private fun start() {
        val providers = ProcessCameraProvider.getInstance(this)
        providers.addListener(
            {
                val analysis =
                    ImageAnalysis
                        .Builder()
                        .setBackpressureStrategy(ImageAnalysis.STRATEGY_KEEP_ONLY_LATEST)
                        .setImageQueueDepth(3) // one is detected, one waits, one is being filled
                        .build()
                analysis.setAnalyzer(cameraThread, ::offer)
                val picture = Preview.Builder().build().also { it.setSurfaceProvider(preview.surfaceProvider) }
                val provider = providers.get()
                provider.unbindAll()
                provider.bindToLifecycle(this, CameraSelector.DEFAULT_BACK_CAMERA, picture, analysis)
            },
            ContextCompat.getMainExecutor(this),
        )
    }

    private fun offer(image: ImageProxy) {
        val planes = image.planes.map { Plane(it.buffer, it.rowStride, it.pixelStride) }
        val picture =
            try {
                pictureOf(image.format, image.width, image.height, planes, image.imageInfo.rotationDegrees)
            } catch (error: DataException) {
                image.close() // nobody else will
                runOnUiThread { problem = error.message.orEmpty() }
                return
            }
        finder.offer(picture) { image.close() }
    }

    private fun certificate(): String {
        val report = finder.certificate()
        val limit = report.certified?.let { "at most %.4f NE from float".format(it) } ?: "nothing certified yet"
        return "drift: ${report.verdict.label}, ${report.samples} comparisons, $limit"
    }

    @Composable
    private fun Screen() {
        var deadline by remember { mutableStateOf(33f) }
        Box(Modifier.fillMaxSize()) {
            AndroidView({ preview }, Modifier.fillMaxSize())
            Canvas(Modifier.fillMaxSize()) {
                val now = shown ?: return@Canvas
                val scale = minOf(size.width / now.width, size.height / now.height)
                val left = (size.width - now.width * scale) / 2
                val top = (size.height - now.height * scale) / 2
                val detection = now.detection
                for (i in detection.scores.indices) {
                    val confidence = detection.confidences?.get(i)
                    // Believe what `fpm-edge run --overlay` believes.
                    val isBelieved = if (confidence != null) confidence >= 0.5f else detection.scores[i] >= 0.25f
                    if (!detection.labelled[i] || !isBelieved) continue
                    // Pixel centres are whole numbers.
                    val x = left + (detection.landmarks[2 * i] + 0.5f) * scale
                    val y = top + (detection.landmarks[2 * i + 1] + 0.5f) * scale
                    drawCircle(Color.Black, 7.dp.toPx(), Offset(x, y))
                    drawCircle(Color.Yellow, 5.dp.toPx(), Offset(x, y))
                }
            }
            Column(Modifier.align(Alignment.BottomCenter).padding(16.dp)) {
                val now = shown
                if (now != null) {
                    val detection = now.detection
                    Text("${detection.category ?: "any garment"}, ${detection.stagesRun} stages: ${detection.stopReason.label}")
                    Text("%.0f ms".format(detection.timings.totalMs))
                    Text(now.certificate)
                }
                if (problem.isNotEmpty()) Text(problem, color = MaterialTheme.colorScheme.error)
                Text("deadline ${deadline.toInt()} ms")
                Slider(
                    value = deadline,
                    onValueChange = {
                        deadline = it
                        finder.deadlineMs = it.toDouble()
                    },
                    valueRange = 0f..200f,
                )
            }
        }
    }
}
