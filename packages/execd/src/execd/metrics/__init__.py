"""What the sandbox uses, and of how much: true to the container, whatever the host has."""
