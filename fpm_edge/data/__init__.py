"""Data sets: readers behind one spec, records, splits and checks. Only `shard_writer` needs TensorFlow."""

from fpm_edge.data.check import DataSummary, LandmarkCount, PairOrder, describe
from fpm_edge.data.dataset import Dataset, Sampled
from fpm_edge.data.inspection import Finding, Inspection, Reading, inspect, read_to_the_end
from fpm_edge.data.mixing import mixed
from fpm_edge.data.nothing import NOTHING
from fpm_edge.data.paper import PaperSplit, SplitSizes, paper_split
from fpm_edge.data.problems import Problem, ProblemKind
from fpm_edge.data.reader import READERS, DatasetReader, load_dataset
from fpm_edge.data.record import Box, Record, RenderKey, ShardKey, read_encoded, read_image
from fpm_edge.data.rows import ReadOptions
from fpm_edge.data.split import file_digest, split_dataset, split_listed

__all__ = [
    "NOTHING",
    "READERS",
    "Box",
    "DataSummary",
    "Dataset",
    "DatasetReader",
    "Finding",
    "Inspection",
    "LandmarkCount",
    "PairOrder",
    "PaperSplit",
    "Problem",
    "ProblemKind",
    "ReadOptions",
    "Reading",
    "Record",
    "RenderKey",
    "Sampled",
    "ShardKey",
    "SplitSizes",
    "describe",
    "file_digest",
    "inspect",
    "load_dataset",
    "mixed",
    "paper_split",
    "read_encoded",
    "read_image",
    "read_to_the_end",
    "split_dataset",
    "split_listed",
]
