"""What a bundle is made of: the file, manifest, landmarks, wiring of pieces, signature. Runs nothing."""
