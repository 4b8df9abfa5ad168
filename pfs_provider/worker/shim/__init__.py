"""What is put into a user's image, unchanged otherwise, so that it takes tasks from a worker."""
