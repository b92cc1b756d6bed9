"""Prints which Python this is and which ipykernel it has; fails where it has none."""

import importlib.util
import json
import platform
import sys
from importlib import metadata

# As with the kernel itself, what lies in the working directory is not meant; this file's own is nobody's.
del sys.path[0]
if importlib.util.find_spec("ipykernel") is None:
    sys.exit("no module named ipykernel")
print(json.dumps({"language": platform.python_version(), "kernel": metadata.version("ipykernel")}))
