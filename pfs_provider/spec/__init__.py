"""What a pipeline author writes: model, reading, older shapes, refusals."""
