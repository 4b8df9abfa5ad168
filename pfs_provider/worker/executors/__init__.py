"""Ways to run user code on one staged datum, behind one port: own namespaces, or none."""
