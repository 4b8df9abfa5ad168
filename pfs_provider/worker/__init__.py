"""The door that works: claims datum sets, stages inputs, runs user code, collects output."""
