"""The steps of the study; `contents` lists them."""
