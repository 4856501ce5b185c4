package fpm.edge.bench;

import fpm.edge.pixels.Geometries;
import fpm.edge.pixels.Letterbox;
import fpm.edge.pixels.LetterboxResizer;
import fpm.edge.pixels.Picture;
import fpm.edge.pixels.Plane;
import fpm.edge.pixels.RgbPicture;
import fpm.edge.pixels.Rotation;
import fpm.edge.pixels.YuvPicture;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** A camera's frame of 1920 × 1080 pixels into an input of 192 × 192. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(3)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class LetterboxBench {
    private static final int WIDTH = 1920;
    private static final int HEIGHT = 1080;
    private static final int SIDE = 192;

    private final LetterboxResizer resizer = new LetterboxResizer();
    private final byte[] input = new byte[SIDE * SIDE * 3];
    private final Random random = new Random(1);
    private final Picture rgb = new RgbPicture(bytes(WIDTH * HEIGHT * 3), WIDTH, HEIGHT);
    private final ByteBuffer luma = direct(WIDTH * HEIGHT);
    private final ByteBuffer colours = direct(WIDTH * HEIGHT / 2);

    @Benchmark
    public byte[] rgb() {
        return resized(rgb);
    }

    @Benchmark
    public byte[] yuv() {
        return resized(planes(Rotation.NONE));
    }

    @Benchmark
    public byte[] yuvTurned() {
        return resized(planes(Rotation.RIGHT));
    }

    private byte[] resized(Picture picture) {
        Letterbox fit = Geometries.fitLetterbox(picture.getWidth(), picture.getHeight(), SIDE, SIDE);
        resizer.resize(picture, fit, SIDE, SIDE, input);
        return input;
    }

    /** As an app makes it of each frame: colours interleaved, as most cameras have them. */
    private Picture planes(Rotation rotation) {
        ByteBuffer v = colours.duplicate();
        v.position(1);
        Plane y = new Plane(luma, WIDTH, 1);
        return new YuvPicture(y, new Plane(colours, WIDTH, 2), new Plane(v.slice(), WIDTH, 2), WIDTH, HEIGHT, rotation);
    }

    private byte[] bytes(int size) {
        byte[] made = new byte[size];
        random.nextBytes(made);
        return made;
    }

    private ByteBuffer direct(int size) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(size);
        buffer.put(bytes(size));
        buffer.clear();
        return buffer;
    }
}
