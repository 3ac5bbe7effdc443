"""From the user's arrays to columns, through compiled code, and to results in the kernel's own form."""
