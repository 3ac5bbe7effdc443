"""The site: `make docs` builds it into build/docs."""

project = "symhep"
author = "symhep developers"
copyright = author

extensions = ["myst_parser"]
myst_heading_anchors = 3
exclude_patterns = ["**/__pycache__"]

html_theme = "furo"
html_title = "symhep"
html_copy_source = False
pygments_style = "friendly"
