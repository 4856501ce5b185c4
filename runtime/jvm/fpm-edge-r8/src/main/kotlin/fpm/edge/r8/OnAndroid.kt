package fpm.edge.r8

import android.content.Context
import android.graphics.Bitmap
import fpm.edge.android.BitmapPicture
import fpm.edge.android.openBundle
import fpm.edge.engines.Engine
import fpm.edge.litert.LiteRt
import fpm.edge.onnxruntime.OnnxRuntime
import fpm.edge.stages.Detection

/** The least that an app on Android does. */
public object OnAndroid {
    /** The landmarks of a photo, by a bundle among the assets. */
    @JvmStatic
    public fun find(
        context: Context,
        photo: Bitmap,
        onnx: Boolean,
    ): Detection {
        val engine: Engine = if (onnx) OnnxRuntime() else LiteRt()
        return openBundle(context.assets, "garments.fpm").session(engine).use { it.detect(BitmapPicture.of(photo)) }
    }
}
