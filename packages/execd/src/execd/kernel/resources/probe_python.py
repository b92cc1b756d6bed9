"""Prints which Python this is, which ipykernel it has, and where it has looked for one."""

import importlib.util
import json
import platform
import sys
from importlib import metadata

# As with the kernel itself, what lies in the working directory is not meant; this file's own is nobody's.
if not getattr(sys.flags, "safe_path", False):
    del sys.path[0]
found = importlib.util.find_spec("ipykernel") is not None
answer = {
    "language": platform.python_version(),
    "kernel": metadata.version("ipykernel") if found else None,
    "searched": sys.path,
}
print("\n" + json.dumps(answer))
