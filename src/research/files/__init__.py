"""Files: what is read is looked at before a library opens it, and what is written appears whole or not at all."""
