plugins {
    id("com.android.application")
    id("org.jetbrains.kotlin.android")
    id("org.jetbrains.kotlin.plugin.compose")
}

android {
    namespace = "fpm.edge.example"
    compileSdk = 36
    defaultConfig {
        applicationId = "fpm.edge.example"
        minSdk = 26
        targetSdk = 36
        versionCode = 1
        versionName = "0.1.0"
    }
    buildTypes {
        release {
            isMinifyEnabled = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"))
        }
    }
    // A bundle is mapped into memory from the package itself, which cannot be done with a compressed one.
    androidResources { noCompress += "fpm" }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_11
        targetCompatibility = JavaVersion.VERSION_11
    }
    sourceSets["main"].java.srcDir("src/main/kotlin")
}

dependencies {
    implementation("fpm-edge:fpm-edge-runtime:0.1.0")
    implementation("fpm-edge:fpm-edge-onnxruntime:0.1.0")
    implementation("fpm-edge:fpm-edge-android:0.1.0@aar")
    implementation("com.microsoft.onnxruntime:onnxruntime-android:1.29.0")

    val camerax = "1.5.0"
    implementation("androidx.camera:camera-camera2:$camerax")
    implementation("androidx.camera:camera-lifecycle:$camerax")
    implementation("androidx.camera:camera-view:$camerax")
    implementation(platform("androidx.compose:compose-bom:2025.09.00"))
    implementation("androidx.compose.material3:material3")
    implementation("androidx.activity:activity-compose:1.11.0")
}
