"""Pure: what one unit of work is: inputs, expansion, identity, sets."""
