"""The command line, a door: each command parses, calls one verb of the façade, shows its answer."""
