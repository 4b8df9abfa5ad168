"""Workers as pods of a Kubernetes cluster: manifests, names, client, watch, diagnosis."""
