"""The door that does a job's work: claims datum sets, stages inputs, runs user code, collects output."""
