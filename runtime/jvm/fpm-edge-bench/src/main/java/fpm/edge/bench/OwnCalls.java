package fpm.edge.bench;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import fpm.edge.bundle.Format;
import fpm.edge.bundle.Piece;
import fpm.edge.bundle.TensorSpec;
import fpm.edge.pixels.Dtype;
import fpm.edge.stages.Bundle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** ONNX Runtime's own calls on a bundle's pieces, without anything of ours: what `detect` is compared with. */
final class OwnCalls implements AutoCloseable {
    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final Map<String, ByteBuffer> buffers = new HashMap<>();
    private final Map<String, OnnxTensor> tensors = new HashMap<>();
    private final List<OrtSession> sessions = new ArrayList<>();
    private final List<Map<String, OnnxTensor>> inputs = new ArrayList<>();
    private final List<Map<String, OnnxTensor>> outputs = new ArrayList<>();

    OwnCalls(Bundle bundle, int threads) throws OrtException {
        for (Piece piece : bundle.getManifest().getPieces().get(Format.ONNX)) {
            try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
                options.setInterOpNumThreads(1);
                options.setIntraOpNumThreads(threads);
                options.addConfigEntry("session.intra_op.allow_spinning", "0");
                sessions.add(environment.createSession(bundle.read(piece.getMember()), options));
            }
            inputs.add(all(piece.getInputs()));
            outputs.add(all(piece.getOutputs()));
        }
    }

    /** All pieces, on this input; what they found stays where it is. */
    void run(byte[] input) throws OrtException {
        ByteBuffer image = buffers.get("image");
        image.clear();
        image.put(input);
        image.clear();
        for (int piece = 0; piece < sessions.size(); piece++) {
            sessions.get(piece).run(inputs.get(piece), outputs.get(piece)).close();
        }
    }

    @Override
    public void close() throws OrtException {
        for (OnnxTensor tensor : tensors.values()) {
            tensor.close();
        }
        for (OrtSession session : sessions) {
            session.close();
        }
    }

    private Map<String, OnnxTensor> all(List<TensorSpec> specs) throws OrtException {
        Map<String, OnnxTensor> found = new HashMap<>();
        for (TensorSpec spec : specs) {
            OnnxTensor known = tensors.get(spec.getName());
            if (known == null) {
                known = tensor(spec);
                tensors.put(spec.getName(), known);
            }
            found.put(spec.getName(), known);
        }
        return found;
    }

    private OnnxTensor tensor(TensorSpec spec) throws OrtException {
        int bytes = spec.getSize() * spec.getDtype().getBytes();
        ByteBuffer buffer = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
        buffers.put(spec.getName(), buffer);
        long[] shape = spec.getShape().stream().mapToLong(Integer::longValue).toArray();
        return OnnxTensor.createTensor(environment, buffer, shape, typeOf(spec.getDtype()));
    }

    private static OnnxJavaType typeOf(Dtype dtype) {
        switch (dtype) {
            case UINT8:
                return OnnxJavaType.UINT8;
            case INT8:
                return OnnxJavaType.INT8;
            case INT16:
                return OnnxJavaType.INT16;
            default:
                return OnnxJavaType.FLOAT;
        }
    }
}
