package androidx.test.runner.lifecycle

internal interface ActivityLifecycleMonitor

internal interface ApplicationLifecycleMonitor

internal enum class ApplicationStage { PRE_ON_CREATE, CREATED }

internal enum class Stage { PRE_ON_CREATE, CREATED, STARTED, RESUMED, PAUSED, STOPPED, RESTARTED, DESTROYED }

internal object ActivityLifecycleMonitorRegistry {
    @JvmStatic
    fun registerInstance(monitor: ActivityLifecycleMonitor) = Unit
}

internal object ApplicationLifecycleMonitorRegistry {
    @JvmStatic
    fun registerInstance(monitor: ApplicationLifecycleMonitor) = Unit
}
