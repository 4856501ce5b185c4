"""How a network is cut: stage 1, x' as a piece of its own, and every later stage (DESIGN §5.3)."""

from dataclasses import dataclass

from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.unsigned_edges import Edges, with_unsigned_edges
from fpm_edge_runtime.bundle.manifest import Piece

__all__ = ["Cut", "cut_tflite", "plan_cuts"]


@dataclass(frozen=True)
class Cut:
    """One piece by the names of its edge tensors, and the name of its member without its suffix."""

    name: str
    member: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def plan_cuts(whole: FlatGraph, stages: int) -> tuple[Cut, ...]:
    """The pieces of a network of `stages` stages with named tensors, in order of execution.

    Stage 1 also gives ``features`` where there are any; x' starts from them, or from the image. A device that stops
    after stage 1 therefore never computes x'. A later stage reads the previous maps and x', or, where it has an x' of
    its own (`share_features_from` = 3), what that starts from.
    """
    names = {whole.tensor_name(index) for op in whole.operators for index in op.outputs}
    source = "features" if "features" in names else "image"
    edges = [name for name in ("image", "features", "context") if name == "image" or name in names]
    first = ("heatmap_1", "features") if source == "features" and stages > 1 else ("heatmap_1",)
    cuts = [Cut("stage_1", "stages/1", ("image",), first)]
    if "context" in names:
        cuts.append(Cut("context", "stages/context", (source,), ("context",)))
    for stage in range(2, stages + 1):
        output = f"heatmap_{stage}"
        stops = [*edges, f"heatmap_{stage - 1}"]
        read = whole.reached(whole.find(output), [whole.find(name) for name in stops])
        inputs = tuple(name for name in stops if whole.find(name) in read)
        cuts.append(Cut(f"stage_{stage}", f"stages/{stage}", inputs, (output,)))
    return tuple(cuts)


def cut_tflite(whole: FlatGraph, cuts: tuple[Cut, ...], edges: Edges = "int8") -> dict[Piece, bytes]:
    """Cut a TFLite graph. Raises ConversionError where a cut does not separate the graph.

    Args:
        whole: the graph.
        cuts: as `plan_cuts` has them.
        edges: what int8 codes between pieces, and those of heatmaps, are stored as.
    """
    pieces = {}
    for cut in cuts:
        data, graph = whole.cut([whole.find(n) for n in cut.inputs], [whole.find(n) for n in cut.outputs]), whole
        if edges == "uint8":
            data = with_unsigned_edges(data)
            graph = FlatGraph(data)
        piece = Piece(
            name=cut.name,
            member=f"{cut.member}.tflite",
            inputs=tuple(graph.spec(graph.find(name)) for name in cut.inputs),
            outputs=tuple(graph.spec(graph.find(name)) for name in cut.outputs),
        )
        pieces[piece] = data
    return pieces
