"""The HTTP edge: routes, bodies, problems and streams; the only importer of starlette."""
