"""Files of columns: read and written in chunks, one module per format, and kernels run over them."""
