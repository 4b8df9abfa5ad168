"""Pure words: ids, names, ancestry, addresses, paths, globs."""
