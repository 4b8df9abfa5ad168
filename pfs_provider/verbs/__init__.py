"""The façade's verbs, by noun; class Pfs in ``pfs_provider.pfs`` is all of them together."""
