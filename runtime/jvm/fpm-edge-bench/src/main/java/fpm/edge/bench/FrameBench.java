package fpm.edge.bench;

import ai.onnxruntime.OrtException;
import fpm.edge.onnxruntime.OnnxRuntime;
import fpm.edge.pixels.RgbPicture;
import fpm.edge.stages.Bundle;
import fpm.edge.stages.Detection;
import fpm.edge.stages.Session;
import java.io.File;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * `detect` of a picture of the input's size, beside the engine's own calls on the same pieces.
 *
 * <p>The machine's ups and downs are larger than what is to be seen, so `paired` takes both by turns, a frame each, and
 * its two numbers are of the same minutes.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(3)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 10, time = 2)
public class FrameBench {
    /** A bundle with ONNX pieces. */
    @Param({"../../fpm_edge/models/lite-m.fpm"})
    public String bundle = "";

    @Param({"1"})
    public int threads = 1;

    private Session session;
    private OwnCalls own;
    private RgbPicture picture;
    private byte[] input = new byte[0];

    @Setup(Level.Trial)
    public void load() throws OrtException {
        Bundle opened = Bundle.open(new File(bundle));
        session = opened.session(new OnnxRuntime(), null, threads);
        own = new OwnCalls(opened, threads);
        int width = session.getGeometry().getInputWidth();
        int height = session.getGeometry().getInputHeight();
        input = new byte[width * height * 3];
        new Random(1).nextBytes(input);
        picture = new RgbPicture(input, width, height);
    }

    @TearDown(Level.Trial)
    public void close() throws OrtException {
        session.close();
        own.close();
    }

    @Benchmark
    public Detection detect() {
        return session.detect(picture);
    }

    /** Both in turn; see {@link Ratio}. */
    @Benchmark
    public Detection paired(Ratio ratio) throws OrtException {
        long start = System.nanoTime();
        own.run(input);
        long between = System.nanoTime();
        Detection detection = session.detect(picture);
        ratio.add(System.nanoTime() - between, between - start);
        return detection;
    }

    @Benchmark
    public void ownCalls() throws OrtException {
        own.run(input);
    }
}
