"""From executed notebooks to pages a reviewer can trust."""
