"""Data sets: readers behind one spec, records, splits and checks. Nothing in here needs TensorFlow."""

from fpm_edge.data.check import DataSummary, LandmarkCount, PairOrder, describe
from fpm_edge.data.dataset import Dataset
from fpm_edge.data.reader import READERS, DatasetReader, load_dataset
from fpm_edge.data.record import Box, Record, RenderKey, read_image
from fpm_edge.data.rows import ReadOptions
from fpm_edge.data.split import split_dataset

__all__ = [
    "READERS",
    "Box",
    "DataSummary",
    "Dataset",
    "DatasetReader",
    "LandmarkCount",
    "PairOrder",
    "ReadOptions",
    "Record",
    "RenderKey",
    "describe",
    "load_dataset",
    "read_image",
    "split_dataset",
]
