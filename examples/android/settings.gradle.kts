pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}
dependencyResolutionManagement {
    repositories {
        mavenLocal() // fpm-edge, after `mvn install` in runtime/jvm
        google()
        mavenCentral()
    }
}
rootProject.name = "fpm-edge-example"
include(":app")
