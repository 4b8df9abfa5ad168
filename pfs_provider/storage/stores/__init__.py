"""Object stores behind one port of six verbs; the only room that imports obstore."""
