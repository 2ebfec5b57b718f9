"""From a study to executed notebooks: what is out of date is run, in kernels that start fast."""
