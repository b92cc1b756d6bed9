"""Files of the sandbox: what they are, their bytes out, their bytes in."""
