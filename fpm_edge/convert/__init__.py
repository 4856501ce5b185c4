"""The main job, from a trained network to a bundle: samples, ranges, QAT, the gate, golden cases, signing."""
