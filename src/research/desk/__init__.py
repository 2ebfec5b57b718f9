"""What reviewers and authors do with finished runs."""
