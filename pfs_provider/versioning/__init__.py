"""The only room that joins catalog and storage: commits, their files, and what they come from."""
