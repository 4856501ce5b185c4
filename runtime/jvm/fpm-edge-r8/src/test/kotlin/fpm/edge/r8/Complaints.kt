package fpm.edge.r8

import com.android.tools.r8.Diagnostic
import com.android.tools.r8.DiagnosticsHandler

/** Collects what D8 or R8 has to say against its input. */
internal class Complaints : DiagnosticsHandler {
    val all = ArrayList<String>()

    override fun warning(warning: Diagnostic) {
        all += "warning: ${warning.origin} ${warning.diagnosticMessage}"
    }

    override fun error(error: Diagnostic) {
        all += "error: ${error.origin} ${error.diagnosticMessage}"
    }

    // Such as that a class of the app stands before one of the library.
    override fun info(info: Diagnostic): Unit = Unit
}
